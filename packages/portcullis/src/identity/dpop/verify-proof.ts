/** Decides whether a proof belongs to this request, this token and this moment, and to no other (RFC 9449 §4.3, §11). */
import type { Clock } from '../../core/clock.ts'
import type { RequestHead } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import { credentialDigest } from '../api-key.ts'
import type { TokenAlgorithm } from '../../core/token-algorithms.ts'
import type { UseOnce } from '../replays.ts'
import type { Nonces } from './nonces.ts'
import { type Proof, proofReader } from './proof.ts'

export interface ProofRules {
  readonly algorithms: readonly TokenAlgorithm[]
  readonly clock: Clock
  /** How old a proof may be. */
  readonly maxAgeSeconds: number
  /** How far the caller's clock may be ahead. */
  readonly skewSeconds: number
  /** Absent: proofs need no nonce of ours. */
  readonly nonces?: Nonces
  readonly useOnce: UseOnce
}

export interface ProvenRequest {
  readonly head: Pick<RequestHead, 'method' | 'headers'>
  /** Canonical identifier of what is called; `htu` has to name it. */
  readonly resource: string
  readonly token: string
  /** Thumbprint of the key that the token is bound to. */
  readonly jkt: string
}

/**
 * Resolves with the nonce that the caller should use next, if it has to be told one. Rejects with
 * `identity.invalid_proof`, `identity.malformed`, `identity.use_nonce`, or `identity.unavailable`.
 */
export type VerifyProof = (request: ProvenRequest) => Promise<string | undefined>

const SPACE = 'dpop'

export function proofVerifier(rules: ProofRules): VerifyProof {
  const read = proofReader(rules.algorithms)
  return async ({ head, resource, token, jkt }) => {
    const now = rules.clock.now()
    const header = head.headers['dpop']
    if (typeof header !== 'string') throw invalid('no proof')
    const proof = read(header, now)
    if (proof.jkt !== jkt) throw invalid('another key')
    if (proof.htm !== head.method) throw invalid('another method')
    if (normalised(proof.htu) !== normalised(resource)) throw invalid('another URL')
    if (proof.ath !== credentialDigest(token)) throw invalid('another token')
    requireTime(proof, rules, now)
    const fresh = nextNonce(proof, rules)
    // Last, so that only a proof that is good in all else takes a place in the store.
    const until = Math.ceil((proof.iat + rules.maxAgeSeconds) * 1000) + 1
    if (!(await rules.useOnce(SPACE, [jkt, proof.jti], until))) throw invalid('replayed')
    return fresh
  }
}

function requireTime({ iat }: Proof, { maxAgeSeconds, skewSeconds }: ProofRules, now: number): void {
  if (iat * 1000 > now + skewSeconds * 1000) throw invalid('from the future')
  if (iat * 1000 < now - maxAgeSeconds * 1000) throw invalid('too old')
}

function nextNonce({ nonce }: Proof, { nonces }: ProofRules): string | undefined {
  if (nonces === undefined) return undefined
  const verdict = nonce === undefined ? 'refused' : nonces.judge(nonce)
  if (verdict === 'refused') throw new Fault('identity.use_nonce', { reason: nonce === undefined ? 'none' : 'stale' })
  return verdict === 'previous' ? nonces.current : undefined
}

/** Scheme and host in lower case, no usual port, no dot segments (RFC 3986 §6.2.2), query and fragment ignored. */
function normalised(url: string): string {
  const parsed = URL.parse(url)
  if (parsed === null || parsed.username !== '' || parsed.password !== '') throw invalid('not a URL')
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`
}

const invalid = (reason: string): Fault => new Fault('identity.invalid_proof', { reason })
