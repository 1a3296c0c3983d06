/** Decides which clients the protocol library knows: those in our store, with the digest of a secret in its place. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { Clock } from '../../core/clock.ts'
import type { ClientStore, OAuthClient } from './client-store.ts'

export interface StoredClientParts {
  readonly clients: ClientStore
  readonly clock: Clock
  /** Tenant of the clients that register themselves, and how many there may be. Absent: none may. */
  readonly registration?: { readonly tenant: string; readonly maxClients: number }
  /** The error that a caller is told when it may not register. */
  readonly full: () => Error
  /** Told before a client is registered; when it rejects, nothing is. */
  readonly onRegistering: (tenant: string, id: string, metadata: object) => Promise<void>
}

/** For the library's model `Client`. */
export class StoredClients implements Adapter {
  readonly #parts: StoredClientParts

  constructor(parts: StoredClientParts) {
    this.#parts = parts
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const client = await this.#parts.clients.find(id)
    return client?.disabledAt === undefined ? client && metadataOf(client) : undefined
  }

  /** Called for a registration only (RFC 7591). */
  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    const { clients, clock, registration, full, onRegistering } = this.#parts
    if (registration === undefined || (await clients.countRegistered()) >= registration.maxClients) throw full()
    const { client_secret: secret, client_id: _id, ...metadata } = payload
    await onRegistering(registration.tenant, id, metadata)
    const inserted = await clients.insert({
      id,
      tenant: registration.tenant,
      name: typeof metadata['client_name'] === 'string' ? metadata['client_name'] : id,
      metadata: JSON.stringify(metadata),
      ...(typeof secret === 'string' && { secretDigest: secretDigest(secret) }),
      roles: [],
      origin: 'registration',
      createdAt: clock.now(),
    })
    if (!inserted) throw full()
  }

  destroy(): Promise<void> {
    return refused()
  }

  consume(): Promise<void> {
    return refused()
  }

  findByUid(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  findByUserCode(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  revokeByGrantId(): Promise<void> {
    return refused()
  }
}

const refused = (): Promise<never> => Promise.reject(new TypeError('a client has no such thing'))

/** Metadata in the words of RFC 7591. The secret is there as its digest: `isClientSecret` compares it. */
export function metadataOf({ id, metadata, secretDigest: digest }: OAuthClient): Record<string, unknown> {
  const secret = digest === undefined ? {} : { client_secret: digest }
  return { ...(JSON.parse(metadata) as Record<string, unknown>), client_id: id, ...secret }
}

/** A secret has 256 random bits, so a plain digest cannot be guessed back. */
export function secretDigest(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

export function isClientSecret(digest: string, secret: string): boolean {
  const expected = Buffer.from(digest, 'base64url')
  const actual = Buffer.from(secretDigest(secret), 'base64url')
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}
