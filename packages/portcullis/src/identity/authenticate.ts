/** Decides who is behind a request. Whoever cannot be proved, or cannot be proved right now, does not get in. */
import type { Clock } from '../core/clock.ts'
import type { Exchange, PeerCertificate, RequestHead } from '../core/exchange.ts'
import { Fault, toFault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated } from '../core/principal.ts'
import type { Route, Routed } from '../core/route.ts'
import { API_KEY_PREFIX, credentialDigest } from './api-key.ts'
import type { ApiKeyStore } from './api-key-store.ts'
import { presentedCredential, refuseCredentialInQuery } from './bearer.ts'
import type { VerifyCertificate } from './certificates.ts'
import { challenged, type Challenges } from './challenge.ts'
import { ExpiringMap } from './expiring-map.ts'
import type { VerifyToken } from './jwt.ts'
import type { LastUse } from './last-use.ts'
import type { RefuseTogether } from './refuse-together.ts'
import type { RevocationList } from './revocation.ts'
import { certificateOf, type RequireSender } from './require-sender.ts'
import type { Verified } from './verified.ts'
import { verifyApiKey } from './verify-api-key.ts'

export interface AuthenticateParts {
  readonly apiKeys: Pick<ApiKeyStore, 'findByDigest'>
  /** Absent when no outside issuer is configured: then every token is refused. */
  readonly verifyToken?: VerifyToken
  /** Absent when certificates are nobody's credential; they may still be what a token is bound to. */
  readonly verifyCertificate?: VerifyCertificate
  /** Whether an upstream, or without one anything at all, exists for a tenant. */
  readonly tenantHas: (tenant: string, upstream?: string) => boolean
  /** Proves what a credential is bound to. */
  readonly requireSender: RequireSender
  /** Lets refusals leave at one time after their request, whatever it was that failed. */
  readonly refuseTogether: RefuseTogether
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

interface Presented {
  readonly credential: string
  readonly digest: string
}

const MAX_REFUSALS = 1024

/**
 * The check `identity.authenticate`. A known credential costs a hash and a look-up, without a promise. It throws the
 * faults of the room `identity`; a 401 carries `WWW-Authenticate` and the same sentence for every reason.
 */
export function authenticate(parts: AuthenticateParts): Check<Request, Authenticated> {
  const signIn = new SignIn(parts)
  const refuse = (thrown: unknown, exchange: Request): Promise<never> =>
    parts.refuseTogether(challenged(toFault(thrown), exchange.resource, parts.challenges), exchange.receivedAt)
  return {
    name: 'identity.authenticate',
    check(exchange) {
      try {
        const facts = signIn.prove(exchange)
        return facts instanceof Promise ? facts.catch((thrown) => refuse(thrown, exchange)) : facts
      } catch (thrown) {
        return refuse(thrown, exchange)
      }
    },
  }
}

/** A certificate that was taken back refuses whatever stands beside it; that of a stranger is only no credential. */
function refuseCertificate({ head, peer: { refused } }: Request): void {
  if (refused === undefined || (!refused.isFinal && head.headers['authorization'] !== undefined)) return
  throw new Fault('identity.certificate_refused', { reason: refused.reason, ...refused.detail })
}

class SignIn {
  readonly #parts: AuthenticateParts
  readonly #remembered: ExpiringMap<Verified>
  readonly #refused = new ExpiringMap<Fault>(MAX_REFUSALS)
  /** Callers with the same new credential wait for one verification. */
  readonly #pending = new Map<string, Promise<Verified>>()
  /** For as long as a connection keeps the head. */
  readonly #digests = new WeakMap<object, Presented>()

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
    const { head, peer } = request
    refuseCredentialInQuery(head.query)
    const now = this.#parts.clock.now()
    this.#parts.revocations.assertCurrent(now)
    refuseCertificate(request)
    const certificate = head.headers['authorization'] === undefined ? certificateOf(peer, now) : undefined
    if (certificate !== undefined) return this.#proveCertificate(certificate, request, now)
    const { credential, digest } = this.#presented(head)
    const known = this.#remembered.get(digest, now)
    if (known !== undefined) return this.#admit(known, request, now, credential)
    const refusal = this.#refused.get(digest, now)
    if (refusal !== undefined) throw refusal
    return this.#verifyOnce(credential, digest).then((verified) => this.#admit(verified, request, now, credential))
  }

  /** A head that comes again on its connection holds the same credential. */
  #presented(head: RequestHead): Presented {
    const known = head.kin && this.#digests.get(head.kin)
    if (known !== undefined) return known
    const credential = presentedCredential(head.headers)
    const presented = { credential, digest: credentialDigest(credential) }
    if (head.kin !== undefined) this.#digests.set(head.kin, presented)
    return presented
  }

  /** TLS has proved it already; what is left is to know whose it is. The name cannot be the digest of a credential. */
  #proveCertificate(certificate: PeerCertificate, request: Request, now: number) {
    const name = `certificate ${certificate.thumbprint}`
    const known = this.#remembered.get(name, now)
    if (known !== undefined) return this.#admit(known, request, now, '')
    const { verifyCertificate } = this.#parts
    if (verifyCertificate === undefined) throw new Fault('identity.missing', { reason: 'certificates are nobody' })
    const verified = verifyCertificate(certificate)
    this.#remember(name, verified)
    return this.#admit(verified, request, now, '')
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
    const seconds = Math.min(rememberSeconds, verified.rememberSeconds ?? rememberSeconds)
    const until = Math.min(verified.expiresAt ?? Number.POSITIVE_INFINITY, now + seconds * 1000)
    this.#remembered.set(digest, verified, until)
  }

  /** A store that failed has said nothing about the credential. */
  #rememberRefusal(digest: string, fault: Fault): void {
    if (fault.code === 'identity.unavailable' || fault.code === 'internal') return
    const { clock, refusalSeconds } = this.#parts
    this.#refused.set(digest, fault, clock.now() + refusalSeconds * 1000)
  }

  /** What a credential is good for is asked for each request: one token may be remembered and come by another path. */
  #admit(
    verified: Verified,
    request: Request,
    now: number,
    credential: string,
  ): Authenticated | Promise<Authenticated> {
    const { route, resource } = request
    if (verified.audiences !== undefined && !verified.audiences.includes(resource)) {
      throw new Fault('identity.wrong_audience', { principal: verified.facts.principal.id, resource })
    }
    const facts = this.#parts.requireSender(verified, request, now, credential)
    const settle = (proved: Authenticated) => this.#settle(proved, verified, route, now)
    return facts instanceof Promise ? facts.then(settle) : settle(facts)
  }

  /** Only who has proved all of it learns what the credential is limited to. */
  #settle(proved: Authenticated, { keyId }: Verified, route: Route, now: number): Authenticated {
    const { id, tenant, upstreams } = proved.principal
    const upstream = route.kind === 'upstream' ? route.upstream : undefined
    // What another tenant has must look like what nobody has, before anything else is said about it.
    if (!this.#parts.tenantHas(tenant, upstream))
      throw new Fault('transport.not_found', { principal: id, tenant, upstream })
    if (route.kind === 'upstream' && upstreams?.includes(route.upstream) === false) {
      throw new Fault('identity.insufficient_scope', { principal: id, upstream: route.upstream })
    }
    if (keyId !== undefined) this.#parts.lastUse.note(keyId, now)
    return proved
  }
}
