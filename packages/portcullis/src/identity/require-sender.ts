/** Decides whether whoever presents a credential is whom it was made for: what it is bound to has to be proved (ID-5). */
import type { Exchange, Peer, PeerCertificate } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Authenticated, Principal } from '../core/principal.ts'
import type { Routed } from '../core/route.ts'
import { isProofScheme } from './bearer.ts'
import type { Nonces } from './dpop/nonces.ts'
import type { VerifyProof } from './dpop/verify-proof.ts'
import type { Verified } from './verified.ts'

export interface SenderParts {
  /** Absent when no token can be bound to a key: then a token that is, is refused. */
  readonly verifyProof?: VerifyProof
  readonly nonces?: Pick<Nonces, 'current'>
  /** Whether nothing but a bound credential will do here. */
  readonly mustBeBound: (principal: Principal, resource: string) => boolean
}

/**
 * Returns the facts of the credential. Throws, or rejects with, `identity.unbound` for a bearer where none will do,
 * `identity.invalid_token` for a binding that is not met, and what `VerifyProof` rejects with.
 */
export type RequireSender = (
  verified: Verified,
  request: Exchange & Routed,
  now: number,
  credential: string,
) => Authenticated | Promise<Authenticated>

export function senderGuard({ verifyProof, nonces, mustBeBound }: SenderParts): RequireSender {
  return (verified, request, now, credential) => {
    const { binding, facts } = verified
    const { principal } = facts
    const proofScheme = isProofScheme(request.head.headers)
    // A proof says nothing about a token that is not bound to its key (RFC 9449 §7.1).
    if (proofScheme && binding?.jkt === undefined) throw invalid('not bound to a key', principal)
    if (principal.credential.bound === undefined && mustBeBound(principal, request.resource)) {
      throw new Fault('identity.unbound', { principal: principal.id, resource: request.resource })
    }
    if (binding === undefined) return facts
    if (binding.x5t !== undefined && certificateOf(request.peer, now)?.thumbprint !== binding.x5t) {
      throw invalid('another certificate', principal)
    }
    if (binding.jkt === undefined) return facts
    // As a bearer token it would be worth more than its issuer meant (RFC 9449 §7.2).
    if (!proofScheme || verifyProof === undefined) throw invalid('bound to a key', principal)
    const resource = calledUrl(request)
    return verifyProof({ head: request.head, resource, token: credential, jkt: binding.jkt }).then(
      (nonce) => (nonce === undefined ? facts : { ...facts, freshNonce: nonce }),
      (thrown: unknown) => Promise.reject(withNonce(thrown, nonces)),
    )
  }
}

/** What a proof has to name (`htu`): every path of the administration has the same audience, and a URL of its own. */
const calledUrl = ({ head, resource, route }: Pick<Exchange & Routed, 'head' | 'resource' | 'route'>): string =>
  route.kind === 'administration' ? new URL(resource).origin + head.path : resource

/** A connection may outlive the certificate that it was opened with; TLS looks at the time only once. */
export function certificateOf({ certificate }: Peer, now: number): PeerCertificate | undefined {
  return certificate !== undefined && now < certificate.expiresAt ? certificate : undefined
}

function withNonce(thrown: unknown, nonces: SenderParts['nonces']): unknown {
  if (!(thrown instanceof Fault) || thrown.code !== 'identity.use_nonce' || nonces === undefined) return thrown
  return new Fault(thrown.code, thrown.detail, { cause: thrown, headers: { 'DPoP-Nonce': nonces.current } })
}

const invalid = (reason: string, { id }: Principal): Fault =>
  new Fault('identity.invalid_token', { reason, principal: id })
