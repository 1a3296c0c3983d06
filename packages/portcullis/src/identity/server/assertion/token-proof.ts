/** Decides to which key a token is bound that is asked for with a DPoP proof (RFC 9449 §5). */
import type { Clock } from '../../../core/clock.ts'
import { Fault } from '../../../core/fault.ts'
import { proofReader } from '../../dpop/proof.ts'
import type { TokenAlgorithm } from '../../../core/token-algorithms.ts'

export interface TokenProofParts {
  readonly algorithms: readonly TokenAlgorithm[]
  readonly clock: Clock
  /** Public URL of the token endpoint. */
  readonly url: string
  /** True for the first use of the proof; see `ReplayStore.useOnce`. */
  readonly useOnce: (id: readonly string[], until: number) => Promise<boolean>
}

/** Resolves with the thumbprint of the key. Rejects with `identity.invalid_proof` or `identity.malformed`. */
export type TokenProof = (header: string) => Promise<string>

const MAX_AGE_MS = 60_000
const SKEW_MS = 5_000

export function tokenProof({ algorithms, clock, url, useOnce }: TokenProofParts): TokenProof {
  const read = proofReader(algorithms)
  return async (header) => {
    const now = clock.now()
    const { htm, htu, iat, jkt, jti } = read(header, now)
    if (htm !== 'POST' || URL.parse(htu)?.href !== url) throw refused('another request')
    const at = iat * 1000
    if (at > now + SKEW_MS || at < now - MAX_AGE_MS) throw refused('another time')
    if (!(await useOnce([jkt, jti], Math.ceil(at) + MAX_AGE_MS + 1))) throw refused('replayed')
    return jkt
  }
}

const refused = (reason: string): Fault => new Fault('identity.invalid_proof', { reason })
