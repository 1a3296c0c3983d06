/** Decides which key of an issuer verifies a token, and when the issuer is asked for its keys again. */
import type { CryptoKey, FlattenedJWSInput, JWK, JWSHeaderParameters, LocalJWKSet } from 'jose'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { JsonObject } from './fetch-json.ts'
import { isSoundKey } from './sound-keys.ts'

export interface JwksParts {
  readonly issuer: string
  /** Gets the key set (RFC 7517 §5); rejects when it cannot. */
  readonly load: () => Promise<JsonObject>
  readonly clock: Clock
  /** Age at which the set is loaded again. */
  readonly maxAgeMs: number
  /** How much older it may get while the issuer fails. Then nobody is let in. */
  readonly staleMs: number
  /** A key id that nobody knows makes us load at most once in this time: tokens with made-up ids are free to send. */
  readonly cooldownMs: number
}

const MAX_KEYS = 100
/** After a failed load with nothing to fall back on. */
const RETRY_MS = 2_000

export class Jwks {
  readonly #parts: JwksParts
  #set: LocalJWKSet | undefined
  #loadedAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  #flight: Promise<void> | undefined

  constructor(parts: JwksParts) {
    this.#parts = parts
  }

  /**
   * The key for a protected header. Throws `identity.unavailable` when the issuer's keys cannot be had, and jose's
   * `JWKSNoMatchingKey` or `JWKSMultipleMatchingKeys`.
   */
  async keyFor(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    const set = await this.#current()
    try {
      return await set(header, token)
    } catch (error) {
      if (!isNoMatch(error) || this.#parts.clock.now() - this.#triedAt < this.#parts.cooldownMs) throw error
      await this.#load()
      return (this.#set ?? set)(header, token)
    }
  }

  async #current(): Promise<LocalJWKSet> {
    const { clock, maxAgeMs, staleMs, issuer } = this.#parts
    if (this.#set !== undefined && clock.now() - this.#loadedAt <= maxAgeMs) return this.#set
    let cause: unknown
    if (this.#flight !== undefined || clock.now() - this.#triedAt >= RETRY_MS) {
      await this.#load().catch((error: unknown) => {
        cause = error
      })
    }
    if (this.#set !== undefined && clock.now() - this.#loadedAt <= maxAgeMs + staleMs) return this.#set
    throw cause instanceof Fault ? cause : new Fault('identity.unavailable', { issuer, reason: 'no keys' })
  }

  /** All who wait share one load. */
  #load(): Promise<void> {
    this.#triedAt = this.#parts.clock.now()
    this.#flight ??= this.#replaceSet().finally(() => {
      this.#flight = undefined
    })
    return this.#flight
  }

  async #replaceSet(): Promise<void> {
    const { load, issuer, clock } = this.#parts
    try {
      const keys = publicKeys(await load())
      const { createLocalJWKSet } = await import('jose')
      this.#set = createLocalJWKSet({ keys })
      this.#loadedAt = clock.now()
    } catch (cause) {
      throw new Fault('identity.unavailable', { issuer, reason: 'the keys could not be loaded' }, { cause })
    }
  }
}

/** Secret (`oct`), private and weak keys are left out: a set that publishes them must not decide about anybody by them. */
function publicKeys(set: JsonObject): JWK[] {
  const keys = set['keys']
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw new Error('not a JWK set of a reasonable size')
  return keys.filter((key: unknown): key is JWK => {
    if (typeof key !== 'object' || key === null || !('kty' in key)) return false
    const isPublic = (key.kty === 'RSA' || key.kty === 'EC' || key.kty === 'OKP') && !('d' in key) && !('k' in key)
    return isPublic && isSoundKey(key as JWK)
  })
}

function isNoMatch(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_JWKS_NO_MATCHING_KEY'
}
