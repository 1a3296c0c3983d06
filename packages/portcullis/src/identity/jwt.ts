/** Decides whether an outside issuer's access token is good (RFC 9068 §4, RFC 8725). The audience is checked per request. */
import type { JWTPayload } from 'jose'
import type { Clock } from '../core/clock.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import { issuerKeys, type KeyRules } from './issuer-keys.ts'
import { type IssuerSettings, requireSoundIssuer } from './issuer-settings.ts'
import type { Jwks } from './jwks.ts'
import { type JwtParts, readJwt, signedDigest } from './jwt-parts.ts'
import { verifiedClaims } from './verified-claims.ts'
import type { Verified } from './verified.ts'

export interface TokenVerifierParts extends KeyRules {
  readonly issuers: readonly IssuerSettings[]
}

/** Rejects with a Fault of the room `identity`; with `identity.unavailable` when the issuer's keys cannot be had. */
export type VerifyToken = (token: string) => Promise<Verified>

interface Issuer {
  readonly settings: IssuerSettings
  readonly jwks: Jwks
}

const CODES: Readonly<Record<string, FaultCode>> = { ERR_JWT_EXPIRED: 'identity.expired' }

/** Throws a TypeError or a RangeError for settings that are not sound, or an issuer that is listed twice. */
export function createTokenVerifier(parts: TokenVerifierParts): VerifyToken {
  const issuers = new Map<string, Issuer>()
  for (const settings of parts.issuers) {
    requireSoundIssuer(settings, parts.plainHttp)
    if (issuers.has(settings.issuer)) throw new TypeError(`issuer ${settings.issuer} is listed twice`)
    issuers.set(settings.issuer, { settings, jwks: issuerKeys(settings, parts) })
  }
  return async (token) => {
    const jwt = readJwt(token)
    const issuer = typeof jwt.claims['iss'] === 'string' ? issuers.get(jwt.claims['iss']) : undefined
    if (issuer === undefined) throw invalid('unknown issuer', { issuer: jwt.claims['iss'] })
    requireHeader(jwt, issuer.settings)
    const claims = await verify(token, issuer, parts.clock)
    return verifiedToken(token, claims, issuer.settings, parts.clock)
  }
}

/** Keys and key locations inside the header (`jwk`, `jku`, `x5u`, `x5c`) are never looked at. */
function requireHeader({ header }: JwtParts, settings: IssuerSettings): void {
  const { alg, typ, crit, b64, zip } = header
  if (!settings.algorithms.some((allowed) => allowed === alg)) throw invalid('algorithm', { alg })
  if (crit !== undefined) throw invalid('critical extension', { crit })
  // Both change what the signed bytes mean, and neither belongs into an access token (RFC 7797 §7, RFC 7516 §4.1.3).
  if (b64 !== undefined || zip !== undefined) throw invalid('another encoding', { b64, zip })
  // Other kinds of token say so (RFC 8725 §3.11): an ID-JAG, a DPoP proof or a logout token opens nothing.
  const kind = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
  const accepted = kind === 'at+jwt' || (settings.requireTyp === undefined && (kind === 'jwt' || kind === undefined))
  if (!accepted) throw invalid('type', { typ })
}

async function verify(token: string, { settings, jwks }: Issuer, clock: Clock): Promise<JWTPayload> {
  const { jwtVerify } = await import('jose')
  try {
    const { payload } = await jwtVerify(token, (header, jws) => jwks.keyFor(header, jws), {
      issuer: settings.issuer,
      algorithms: [...settings.algorithms],
      clockTolerance: settings.clockSkewSeconds,
      currentDate: new Date(clock.now()),
      requiredClaims: ['exp', 'aud'],
    })
    return payload
  } catch (error) {
    if (error instanceof Fault) throw error
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'verification failed'
    throw new Fault(CODES[reason] ?? 'identity.invalid_token', { reason, issuer: settings.issuer }, { cause: error })
  }
}

function verifiedToken(token: string, claims: JWTPayload, settings: IssuerSettings, clock: Clock): Verified {
  const expiresAt = requireTimes(claims, settings.clockSkewSeconds, clock.now())
  return { ...verifiedClaims(claims, settings, { kind: 'jwt', digest: signedDigest(token), expiresAt }), expiresAt }
}

/** Returns when the token ends, in milliseconds since the epoch, tolerance included. */
function requireTimes({ exp, iat }: JWTPayload, skewSeconds: number, now: number): number {
  const expiresAt = Math.floor(((exp ?? Number.NaN) + skewSeconds) * 1000)
  if (!Number.isSafeInteger(expiresAt)) throw invalid('exp')
  if (iat !== undefined && !(typeof iat === 'number' && iat * 1000 <= now + skewSeconds * 1000)) throw invalid('iat')
  return expiresAt
}

/** What a token says about itself goes to the audit record, but never at any length. */
function invalid(reason: string, claimed: Readonly<Record<string, unknown>> = {}): Fault {
  const shown = Object.entries(claimed).map(([name, value]) => [name, JSON.stringify(value)?.slice(0, 200)])
  return new Fault('identity.invalid_token', { reason, ...Object.fromEntries(shown) })
}
