/**
 * Decides whether an identity assertion of an enterprise's identity provider is good: an ID-JAG
 * (draft-ietf-oauth-identity-assertion-authz-grant, MCP "Enterprise-Managed Authorization"). That it is used once is for
 * others to see to.
 */
import type { JWTPayload } from 'jose'
import type { Clock } from '../../../core/clock.ts'
import { Fault } from '../../../core/fault.ts'
import { bindingOf } from '../../binding.ts'
import { type ClaimMapping, type ClaimPath, mapClaims, textAt } from '../../claims.ts'
import type { JsonObject } from '../../fetch-json.ts'
import type { KeyOwner } from '../../issuer-keys.ts'
import type { TokenAlgorithm } from '../../../core/token-algorithms.ts'
import type { Jwks } from '../../jwks.ts'
import { readJwt } from '../../jwt-parts.ts'

export interface AssertionIssuer extends KeyOwner {
  readonly algorithms: readonly TokenAlgorithm[]
  /** 0 to 60. */
  readonly clockSkewSeconds: number
  /** How long an assertion may live at most, from `iat` to `exp`. */
  readonly maxSeconds: number
  /** What it may hand out at most; a scope that is not listed is never issued for it. */
  readonly scopes: readonly string[]
  readonly claims: ClaimMapping
  /** Who is meant: somebody without an account here, the account that is linked to the subject, or the one that a claim names. */
  readonly account: 'outside' | 'linked' | { readonly claim: ClaimPath }
}

/** A good assertion. */
export interface Assertion {
  readonly issuer: string
  readonly jti: string
  /** Milliseconds since the epoch, tolerance included: after it the assertion is refused for its age. */
  readonly until: number
  /** The client for which the issuer made it. */
  readonly clientId: string
  readonly resource: string
  /** What is both asserted and allowed to this issuer. */
  readonly scopes: readonly string[]
  readonly subject: string
  readonly tenant: string
  readonly roles: readonly string[]
  readonly account: 'outside' | 'linked' | { readonly name: string }
  /** Key that its presenter has to prove (RFC 7638 thumbprint). */
  readonly jkt?: string
  readonly amr?: readonly string[]
}

export interface AssertionParts {
  readonly clock: Clock
  /** Our own issuer identifier. */
  readonly audience: string
  readonly issuers: readonly { readonly rules: AssertionIssuer; readonly keys: Jwks }[]
}

/** Rejects with a Fault of the room `identity` that says why, for the record alone. */
export type ReadAssertion = (text: string) => Promise<Assertion>

/** RFC 8725 §3.11: nothing else that the issuer signs, such as an ID token, may pass for one. */
const TYPE = /^(?:application\/)?oauth-id-jag\+jwt$/i
const MAX_CHARS = 16_384
const MAX_ID_CHARS = 255
const MAX_METHODS = 32

export function assertionReader({ issuers, audience, clock }: AssertionParts): ReadAssertion {
  const byName = new Map(issuers.map((one) => [one.rules.issuer, one]))
  return async (text) => {
    if (text.length > MAX_CHARS) throw refused('too long')
    const { header, claims } = readJwt(text)
    const known = typeof claims['iss'] === 'string' ? byName.get(claims['iss']) : undefined
    if (known === undefined) throw refused('unknown issuer')
    requireHeader(header, known.rules)
    return assertionOf(await verified(text, known, audience, clock), known.rules, audience, clock.now())
  }
}

/** Keys and key locations inside the header are never looked at. */
function requireHeader({ alg, typ, crit, b64, zip }: JsonObject, { algorithms }: AssertionIssuer): void {
  if (typeof typ !== 'string' || !TYPE.test(typ)) throw refused('type')
  if (!algorithms.some((allowed) => allowed === alg)) throw refused('algorithm')
  if (crit !== undefined || b64 !== undefined || zip !== undefined) throw refused('header')
}

async function verified(
  text: string,
  { rules, keys }: AssertionParts['issuers'][number],
  audience: string,
  clock: Clock,
): Promise<JWTPayload> {
  const { jwtVerify } = await import('jose')
  try {
    const { payload } = await jwtVerify(text, (header, jws) => keys.keyFor(header, jws), {
      issuer: rules.issuer,
      audience,
      algorithms: [...rules.algorithms],
      clockTolerance: rules.clockSkewSeconds,
      currentDate: new Date(clock.now()),
      requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id', 'resource'],
    })
    return payload
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'verification failed'
    throw new Fault('identity.invalid_token', { reason, issuer: rules.issuer }, { cause })
  }
}

function assertionOf(claims: JWTPayload, rules: AssertionIssuer, audience: string, now: number): Assertion {
  const { jti, client_id: clientId, cnf, amr } = claims
  if (onlyOne(claims.aud) !== audience) throw refused('audience')
  const resource = onlyOne(claims['resource'])
  if (resource === undefined) throw refused('resource')
  if (!isId(jti) || typeof clientId !== 'string') throw refused('claims')
  const { tenant, subject, roles, scopes } = mapClaims(claims, rules.claims)
  const binding = bindingOf(cnf)
  // A certificate could not be asked for here.
  if (binding?.x5t !== undefined) throw refused('bound to a certificate')
  return {
    ...{ issuer: rules.issuer, jti, clientId, resource, subject, tenant, roles },
    until: requireTimes(claims, rules, now),
    scopes: scopes.filter((scope) => rules.scopes.includes(scope)),
    account: accountOf(claims, rules),
    ...(binding?.jkt !== undefined && { jkt: binding.jkt }),
    ...(areMethods(amr) && { amr }),
  }
}

function accountOf(claims: JWTPayload, { account }: AssertionIssuer): Assertion['account'] {
  if (typeof account === 'string') return account
  const name = textAt(claims, account.claim)
  if (name === undefined) throw refused('no account')
  return { name }
}

/** One that is good for long is one that somebody can find; and it has to be remembered until it ends. */
function requireTimes({ iat, exp }: JWTPayload, rules: AssertionIssuer, now: number): number {
  const skewMs = rules.clockSkewSeconds * 1000
  if (typeof iat !== 'number' || typeof exp !== 'number') throw refused('times')
  if (!(iat * 1000 <= now + skewMs)) throw refused('from the future')
  if (!(exp > iat && exp - iat <= rules.maxSeconds)) throw refused('lives too long')
  const until = Math.ceil(exp * 1000) + skewMs
  if (!Number.isSafeInteger(until)) throw refused('exp')
  return until + 1
}

/** Of two audiences, or two resources, nobody could say which one was meant. */
function onlyOne(value: unknown): string | undefined {
  const one: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value
  return typeof one === 'string' ? one : undefined
}

const isId = (jti: unknown): jti is string => typeof jti === 'string' && jti !== '' && jti.length <= MAX_ID_CHARS

const areMethods = (amr: unknown): amr is readonly string[] =>
  Array.isArray(amr) && amr.length <= MAX_METHODS && amr.every(isId)

const refused = (reason: string): Fault => new Fault('identity.invalid_token', { reason })
