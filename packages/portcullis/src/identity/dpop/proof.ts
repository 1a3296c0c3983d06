/** Decides whether a DPoP proof is one: its form, its signature and its claims (RFC 9449 §4.2, §4.3). */
import { Fault } from '../../core/fault.ts'
import { ExpiringMap } from '../expiring-map.ts'
import type { JsonObject } from '../fetch-json.ts'
import type { TokenAlgorithm } from '../../core/token-algorithms.ts'
import { readJwt } from '../jwt-parts.ts'
import { isSignedBy, type ProofKey, readProofKey } from './proof-key.ts'

/** The claims of a proof whose signature is good. Whether they fit the request is for others to say. */
export interface Proof {
  /** Thumbprint of the key that signed it (RFC 7638). */
  readonly jkt: string
  readonly jti: string
  readonly htm: string
  readonly htu: string
  /** Seconds since the epoch. */
  readonly iat: number
  /** Digest of the token that it goes with; a proof at a token endpoint has none. */
  readonly ath?: string
  readonly nonce?: string
}

/** Throws `identity.invalid_proof` or `identity.malformed`. `now` is milliseconds since the epoch. */
export type ReadProof = (text: string, now: number) => Proof

const MAX_PROOF_CHARS = 8_192
const MAX_TEXT_CHARS = 2_048
const MAX_KEYS = 10_000
const KEY_MS = 3_600_000

/** Keys that were seen are kept for an hour, since a caller signs every proof with the same one. */
export function proofReader(algorithms: readonly TokenAlgorithm[]): ReadProof {
  const known = new ExpiringMap<ProofKey>(MAX_KEYS)
  return (text, now) => {
    if (text.length > MAX_PROOF_CHARS) throw invalid('too long')
    const { header, claims } = readJwt(text)
    const algorithm = requireHeader(header, algorithms)
    const name = JSON.stringify([algorithm, header['jwk']])
    const key = known.get(name, now) ?? readProofKey(header['jwk'], algorithm)
    if (!isSignedBy(key, text)) throw invalid('signature')
    known.set(name, key, now + KEY_MS)
    return { jkt: key.jkt, ...requireClaims(claims) }
  }
}

/** Only the key in `jwk` counts; `jku`, `x5u`, `x5c` and `kid` are never looked at. */
function requireHeader({ typ, alg, crit, b64 }: JsonObject, algorithms: readonly TokenAlgorithm[]): TokenAlgorithm {
  if (typ !== 'dpop+jwt') throw invalid('type')
  if (crit !== undefined || b64 !== undefined) throw invalid('critical extension')
  const algorithm = algorithms.find((allowed) => allowed === alg)
  if (algorithm === undefined) throw invalid('algorithm')
  return algorithm
}

function requireClaims({ jti, htm, htu, iat, ath, nonce }: JsonObject): Omit<Proof, 'jkt'> {
  const texts = [jti, htm, htu, ath ?? ''].every((text) => typeof text === 'string' && text.length <= MAX_TEXT_CHARS)
  if (!texts || jti === '') throw invalid('claims')
  if (typeof iat !== 'number' || !Number.isFinite(iat)) throw invalid('iat')
  if (nonce !== undefined && typeof nonce !== 'string') throw invalid('nonce')
  return {
    jti: jti as string,
    htm: htm as string,
    htu: htu as string,
    iat,
    ...(ath !== undefined && { ath: ath as string }),
    ...(nonce !== undefined && { nonce }),
  }
}

const invalid = (reason: string): Fault => new Fault('identity.invalid_proof', { reason })
