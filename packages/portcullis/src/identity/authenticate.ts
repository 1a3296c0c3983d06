/** Decides who is behind a request. Whoever cannot be proved, or cannot be proved right now, does not get in. */
import type { Clock } from '../core/clock.ts'
import type { Exchange } from '../core/exchange.ts'
import { Fault, toFault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated } from '../core/principal.ts'
import type { Routed } from '../core/route.ts'
import { API_KEY_PREFIX, credentialDigest } from './api-key.ts'
import type { ApiKeyStore } from './api-key-store.ts'
import { bearerCredential, refuseCredentialInQuery } from './bearer.ts'
import type { Challenges } from './challenge.ts'
import { ExpiringMap } from './expiring-map.ts'
import type { VerifyToken } from './jwt.ts'
import type { LastUse } from './last-use.ts'
import type { RevocationList } from './revocation.ts'
import type { Verified } from './verified.ts'
import { verifyApiKey } from './verify-api-key.ts'

export interface AuthenticateParts {
  readonly apiKeys: Pick<ApiKeyStore, 'findByDigest'>
  /** Absent when no outside issuer is configured: then every token is refused. */
  readonly verifyToken?: VerifyToken
  readonly revocations: RevocationList
  readonly lastUse: Pick<LastUse, 'note'>
  readonly challenges: Challenges
  readonly clock: Clock
  /** Credentials remembered at once. */
  readonly maxRemembered: number
  /** After this a remembered credential is proved again, however long it is valid. */
  readonly rememberSeconds: number
  /** How long a refusal is remembered, so that a repeated bad credential costs a look-up. */
  readonly refusalSeconds: number
  /** Verifications at once; above that callers get `identity.unavailable`. */
  readonly maxPending: number
}

type Request = Exchange & Routed

const MAX_REFUSALS = 1024

/**
 * The check `identity.authenticate`. A known credential costs a hash and a look-up, without a promise. It throws the
 * faults of the room `identity`; a 401 carries `WWW-Authenticate` and the same sentence for every reason.
 */
export function authenticate(parts: AuthenticateParts): Check<Request, Authenticated> {
  const signIn = new SignIn(parts)
  return {
    name: 'identity.authenticate',
    check(exchange) {
      try {
        const facts = signIn.prove(exchange)
        return facts instanceof Promise ? facts.catch((thrown) => Promise.reject(challenged(thrown, exchange))) : facts
      } catch (thrown) {
        throw challenged(thrown, exchange)
      }
    },
  }

  function challenged(thrown: unknown, { resource }: Request): Fault {
    const fault = toFault(thrown)
    const header = challengeFor(fault, resource)
    if (header === undefined) return fault
    return new Fault(fault.code, fault.detail, { cause: fault.cause, headers: { 'WWW-Authenticate': header } })
  }

  function challengeFor({ code }: Fault, resource: string): string | undefined {
    if (code === 'identity.missing') return parts.challenges.missing(resource)
    const unchallenged = code === 'identity.unavailable' || code === 'identity.token_in_query' || code === 'internal'
    return unchallenged || code === 'identity.insufficient_scope' ? undefined : parts.challenges.invalid(resource)
  }
}

class SignIn {
  readonly #parts: AuthenticateParts
  readonly #remembered: ExpiringMap<Verified>
  readonly #refused = new ExpiringMap<Fault>(MAX_REFUSALS)
  /** Callers with the same new credential wait for one verification. */
  readonly #pending = new Map<string, Promise<Verified>>()

  constructor(parts: AuthenticateParts) {
    this.#parts = parts
    this.#remembered = new ExpiringMap(parts.maxRemembered)
    const { revocations, clock } = parts
    revocations.onRevoked(() => {
      const now = clock.now()
      this.#remembered.dropWhere(({ facts }) => revocations.covers(facts.principal, now))
    })
  }

  prove(request: Request): Authenticated | Promise<Authenticated> {
    refuseCredentialInQuery(request.head.query)
    const credential = bearerCredential(request.head.headers)
    const now = this.#parts.clock.now()
    this.#parts.revocations.assertCurrent(now)
    const digest = credentialDigest(credential)
    const known = this.#remembered.get(digest, now)
    if (known !== undefined) return this.#admit(known, request, now)
    const refusal = this.#refused.get(digest, now)
    if (refusal !== undefined) throw refusal
    return this.#verifyOnce(credential, digest).then((verified) => this.#admit(verified, request, now))
  }

  #verifyOnce(credential: string, digest: string): Promise<Verified> {
    const pending = this.#pending.get(digest)
    if (pending !== undefined) return pending
    if (this.#pending.size >= this.#parts.maxPending)
      throw new Fault('identity.unavailable', { reason: 'too many sign-ins' })
    const verification = this.#verify(credential, digest).finally(() => this.#pending.delete(digest))
    this.#pending.set(digest, verification)
    return verification
  }

  async #verify(credential: string, digest: string): Promise<Verified> {
    try {
      const verified = await this.#proof(credential, digest)
      this.#remember(digest, verified)
      return verified
    } catch (thrown) {
      const fault = toFault(thrown)
      this.#rememberRefusal(digest, fault)
      throw fault
    }
  }

  #proof(credential: string, digest: string): Promise<Verified> {
    const { apiKeys, verifyToken, clock } = this.#parts
    if (credential.startsWith(API_KEY_PREFIX)) return verifyApiKey(credential, digest, apiKeys, clock)
    if (verifyToken === undefined) throw new Fault('identity.malformed', { reason: 'no issuer is configured' })
    return verifyToken(credential)
  }

  /** Nothing waits between the question and the memory, so a revocation cannot slip in between. */
  #remember(digest: string, verified: Verified): void {
    const { revocations, clock, rememberSeconds } = this.#parts
    const now = clock.now()
    const { principal } = verified.facts
    if (revocations.covers(principal, now)) throw new Fault('identity.revoked', { principal: principal.id })
    this.#remembered.set(
      digest,
      verified,
      Math.min(verified.expiresAt ?? Number.POSITIVE_INFINITY, now + rememberSeconds * 1000),
    )
  }

  /** A store that failed has said nothing about the credential. */
  #rememberRefusal(digest: string, fault: Fault): void {
    if (fault.code === 'identity.unavailable' || fault.code === 'internal') return
    const { clock, refusalSeconds } = this.#parts
    this.#refused.set(digest, fault, clock.now() + refusalSeconds * 1000)
  }

  /** What a credential is good for is asked for each request: one token may be remembered and come by another path. */
  #admit(verified: Verified, { route, resource }: Request, now: number): Authenticated {
    const { principal } = verified.facts
    if (verified.audiences !== undefined && !verified.audiences.includes(resource)) {
      throw new Fault('identity.wrong_audience', { principal: principal.id, resource })
    }
    if (route.kind === 'upstream' && principal.upstreams?.includes(route.upstream) === false) {
      throw new Fault('identity.insufficient_scope', { principal: principal.id, upstream: route.upstream })
    }
    if (verified.keyId !== undefined) this.#parts.lastUse.note(verified.keyId, now)
    return verified.facts
  }
}
