/** Decides which settings of an outside issuer are sound. Whatever is not, is refused before the gateway listens. */
import { TOKEN_ALGORITHMS, type TokenAlgorithm } from '../core/token-algorithms.ts'
import type { ClaimMapping } from './claims.ts'
import { type FetchLimits, requireSafeUrl } from './fetch-json.ts'

export interface IssuerSettings {
  /** Compared with `iss` character by character (RFC 9068 §4). */
  readonly issuer: string
  /** Where the keys are; discovered from the issuer's metadata without it. */
  readonly jwksUri?: string
  /** Accepted `aud` values in place of the resource of the route, for issuers that cannot name it (RFC 8707). */
  readonly audiences?: readonly string[]
  /** The same for single resources, by their identifier; the others take their own. */
  readonly audiencesByResource?: ReadonlyMap<string, readonly string[]>
  readonly algorithms: readonly TokenAlgorithm[]
  /** 0 to 60. */
  readonly clockSkewSeconds: number
  /** Accept only access tokens that say so (RFC 9068 §2.1). Without it `typ` may also be `JWT` or absent. */
  readonly requireTyp?: 'at+jwt'
  readonly claims: ClaimMapping
}

const MAX_SKEW_SECONDS = 60

/** Throws a TypeError or a RangeError that names the issuer and what is wrong with its settings. */
export function requireSoundIssuer(settings: IssuerSettings, plainHttp: FetchLimits['plainHttp']): void {
  const { issuer, jwksUri, algorithms, audiences, clockSkewSeconds: skew } = settings
  const url = requireSafeUrl(issuer, plainHttp)
  if (url.search !== '' || url.hash !== '')
    throw new TypeError(`issuer ${issuer}: no query and no fragment (RFC 8414 §2)`)
  if (jwksUri !== undefined) requireSafeUrl(jwksUri, plainHttp)
  if (algorithms.length === 0) throw new TypeError(`issuer ${issuer}: no algorithm is allowed`)
  for (const algorithm of algorithms) {
    if (!TOKEN_ALGORITHMS.includes(algorithm)) throw new TypeError(`issuer ${issuer}: ${algorithm} is not allowed`)
  }
  if (audiences?.length === 0) throw new TypeError(`issuer ${issuer}: audiences are listed, but none is accepted`)
  if (!(skew >= 0 && skew <= MAX_SKEW_SECONDS)) throw new RangeError(`issuer ${issuer}: clockSkewSeconds is 0 to 60`)
}
