/** Decides whether an API key is good, by its checksum first and by the store then. */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import { isApiKey } from './api-key.ts'
import type { ApiKey, ApiKeyStore } from './api-key-store.ts'
import type { Verified } from './verified.ts'

/**
 * `digest` is the key's `credentialDigest`. Rejects with `identity.malformed`, `identity.unknown_key`,
 * `identity.revoked`, `identity.expired`, or with `identity.unavailable` when the store fails.
 */
export async function verifyApiKey(
  credential: string,
  digest: string,
  store: Pick<ApiKeyStore, 'findByDigest'>,
  clock: Clock,
): Promise<Verified> {
  if (!isApiKey(credential)) throw new Fault('identity.malformed', { reason: 'checksum' })
  const key = await find(store, digest)
  if (key === undefined) throw new Fault('identity.unknown_key')
  const detail = { key: key.id, tenant: key.tenant }
  if (key.revokedAt !== undefined) throw new Fault('identity.revoked', detail)
  if (key.expiresAt !== undefined && clock.now() >= key.expiresAt) throw new Fault('identity.expired', detail)
  return verifiedKey(key)
}

async function find(store: Pick<ApiKeyStore, 'findByDigest'>, digest: string): Promise<ApiKey | undefined> {
  try {
    return await store.findByDigest(digest)
  } catch (cause) {
    throw new Fault('identity.unavailable', { reason: 'key store' }, { cause })
  }
}

function verifiedKey(key: ApiKey): Verified {
  const expiry = key.expiresAt === undefined ? {} : { expiresAt: key.expiresAt }
  const limits = key.upstreams === undefined ? {} : { upstreams: key.upstreams }
  const credential = { kind: 'api-key', id: key.id, ...expiry } as const
  const principal = { id: key.principal, tenant: key.tenant, roles: key.roles, credential, ...limits }
  return { facts: { principal }, keyId: key.id, ...expiry }
}
