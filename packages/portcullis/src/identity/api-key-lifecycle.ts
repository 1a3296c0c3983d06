/** Issues, rotates, revokes and lists API keys. Who may do so is decided before. */
import type { Clock } from '../core/clock.ts'
import type { Secret } from '../core/secret.ts'
import { credentialDigest, mintApiKey, mintId } from './api-key.ts'
import type { ApiKey, ApiKeyStore } from './api-key-store.ts'
import type { RevocationList } from './revocation.ts'

export interface ApiKeyLifecycleParts {
  readonly store: ApiKeyStore
  readonly revocations: Pick<RevocationList, 'revoke'>
  readonly clock: Clock
  readonly random: (bytes: number) => Uint8Array
  /** Label inside each key, such as `test`: 1 to 8 lower-case letters and digits. */
  readonly environment?: string
}

export interface ApiKeyRequest {
  readonly tenant: string
  readonly name: string
  readonly roles: readonly string[]
  readonly upstreams?: readonly string[]
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number
}

export interface RotateOptions {
  /** How long the old key still works; 0 ends it at once. */
  readonly overlapSeconds: number
  /** Milliseconds since the epoch; without it the old key's lifetime counts anew. */
  readonly expiresAt?: number
  /** Told the successor's id, and when the old key ends, before anything is changed; when it rejects, nothing is. */
  readonly before?: (successor: { readonly id: string; readonly predecessorEndsAt: number }) => Promise<void>
}

/** Told what a change is about to make, before it is made. When it rejects, nothing is changed. */
export type BeforeKey = (record: ApiKey) => Promise<void>

const NOBODY_IS_TOLD: BeforeKey = () => Promise.resolve()

/** The only moment at which the key itself exists on this side. Show it once. */
export interface IssuedApiKey {
  readonly key: Secret
  readonly record: ApiKey
}

/** Nodes remember a key for minutes; after a day no copy of it can be left for which the news would be needed. */
const NEWS_MS = 86_400_000

export class ApiKeyLifecycle {
  readonly #parts: ApiKeyLifecycleParts

  constructor(parts: ApiKeyLifecycleParts) {
    this.#parts = parts
  }

  /** Throws a TypeError when the request makes no sense; rejects when the store fails. */
  async issue(request: ApiKeyRequest, before = NOBODY_IS_TOLD): Promise<IssuedApiKey> {
    const { store, clock } = this.#parts
    const createdAt = clock.now()
    requireName('tenant', request.tenant)
    requireName('name', request.name)
    requireFuture(request.expiresAt, createdAt)
    const { key, id } = this.#mint()
    const record: ApiKey = { id, principal: `key:${id}`, createdAt, ...request }
    await before(record)
    await store.insert({ ...record, digest: credentialDigest(key.reveal()) })
    return { key, record }
  }

  /** Resolves with nothing when the tenant has no such key, or it is revoked, expired or replaced already. */
  async rotate(tenant: string, id: string, options: RotateOptions): Promise<IssuedApiKey | undefined> {
    const { store, clock, revocations } = this.#parts
    const createdAt = clock.now()
    const { overlapSeconds, expiresAt } = options
    if (!(overlapSeconds >= 0 && Number.isFinite(overlapSeconds)))
      throw new RangeError('overlapSeconds must be 0 or more')
    requireFuture(expiresAt, createdAt)
    const { key, id: successorId } = this.#mint()
    const digest = credentialDigest(key.reveal())
    const predecessorEndsAt = createdAt + Math.round(overlapSeconds * 1000)
    const successor = {
      id: successorId,
      digest,
      createdAt,
      predecessorEndsAt,
      ...(expiresAt !== undefined && { expiresAt }),
    }
    await options.before?.(successor)
    const record = await store.replace(tenant, id, successor)
    if (record === undefined) return undefined
    const until = predecessorEndsAt + NEWS_MS
    await revocations.revoke({ kind: 'key', tenant, id, from: predecessorEndsAt, until, reason: 'rotated' })
    return { key, record }
  }

  /**
   * True when this call revoked it. The store is told before the news are published, so that a crash in between cannot
   * leave a key that works again later; the news are published in any case, so that a second try heals a failed first.
   */
  async revoke(tenant: string, id: string, reason: string): Promise<boolean> {
    const { store, clock, revocations } = this.#parts
    const now = clock.now()
    const revoked = await store.revoke(tenant, id, now)
    await revocations.revoke({ kind: 'key', tenant, id, from: now, until: now + NEWS_MS, reason })
    return revoked
  }

  list(tenant: string): Promise<readonly ApiKey[]> {
    return this.#parts.store.list(tenant)
  }

  #mint(): { readonly key: Secret; readonly id: string } {
    const { random, environment } = this.#parts
    return { key: mintApiKey(random, environment), id: mintId(random) }
  }
}

function requireName(what: string, value: string): void {
  if (value.length === 0 || value.length > 200) throw new TypeError(`the ${what} of an API key has 1 to 200 characters`)
}

function requireFuture(expiresAt: number | undefined, now: number): void {
  if (expiresAt === undefined) return
  if (!(Number.isSafeInteger(expiresAt) && expiresAt > now)) throw new RangeError('expiresAt must be in the future')
}
