/** Decides what the claims of a good token make of its holder, however the issuer vouched for them. */
import { Fault } from '../core/fault.ts'
import type { Principal } from '../core/principal.ts'
import { bindingOf, boundBy } from './binding.ts'
import { type ClaimMapping, mapClaims } from './claims.ts'
import type { JsonObject } from './fetch-json.ts'
import type { TokenCredential } from './revocation.ts'
import type { Verified } from './verified.ts'

export interface ClaimRules {
  readonly issuer: string
  /** Accepted `aud` values in place of the resource of the route. */
  readonly audiences?: readonly string[]
  /** Resource → accepted `aud` values in its place; every other resource takes its own identifier. Not with `audiences`. */
  readonly audiencesByResource?: ReadonlyMap<string, readonly string[]>
  readonly claims: ClaimMapping
}

/**
 * The principal of a token, what it was issued for and what it is bound to. Throws `identity.invalid_token` without a
 * subject, a tenant or a binding that we can check, and `identity.wrong_audience`.
 */
export function verifiedClaims(
  claims: JsonObject,
  { issuer, audiences, audiencesByResource, claims: mapping }: ClaimRules,
  proved: Pick<TokenCredential, 'kind' | 'digest' | 'expiresAt'>,
): Verified {
  const binding = bindingOf(claims['cnf'])
  const { tenant, subject, roles, scopes } = mapClaims(claims, mapping)
  const id = idOf(claims['jti']) ?? proved.digest
  const bound = binding && { bound: boundBy(binding) }
  const credential: TokenCredential = { ...proved, id, ...clientOf(claims, issuer), ...bound, ...strengthOf(claims) }
  const principal: Principal = { id: `${issuer}|${subject}`, tenant, roles, scopes, credential }
  const verified = { facts: { principal }, ...(binding && { binding }), ...issuedAtOf(claims) }
  const named = audiencesOf(claims['aud'])
  if (audiences === undefined) return { ...verified, audiences: resourcesFor(named, audiencesByResource) }
  if (audiences.some((audience) => named.includes(audience))) return verified
  throw new Fault('identity.wrong_audience', { issuer })
}

/** Nothing that is named is nothing that it is good for. */
function audiencesOf(aud: unknown): readonly string[] {
  if (typeof aud === 'string') return [aud]
  return Array.isArray(aud) ? aud.filter((one) => typeof one === 'string') : []
}

/** The identifier of a resource that has audiences of its own is none of them, unless it is listed. */
function resourcesFor(named: readonly string[], byResource: ClaimRules['audiencesByResource']): readonly string[] {
  if (byResource === undefined) return named
  const listed = [...byResource].filter(([, accepted]) => accepted.some((audience) => named.includes(audience)))
  return [...named.filter((audience) => !byResource.has(audience)), ...listed.map(([resource]) => resource)]
}

function idOf(jti: unknown): string | undefined {
  return typeof jti === 'string' && jti !== '' && jti.length <= 255 ? jti : undefined
}

/** By the claim of RFC 9068 §2.2 and RFC 7662 §2.2, or the one that OpenID Connect Core §2 has for it. */
function clientOf({ client_id: id, azp }: JsonObject, issuer: string): Pick<TokenCredential, 'client'> {
  const client = id ?? azp
  const isName = typeof client === 'string' && client !== '' && client.length <= 255
  return isName ? { client: `${issuer}|${client}` } : {}
}

function issuedAtOf({ iat }: JsonObject): Pick<Verified, 'issuedAt'> {
  return typeof iat === 'number' && Number.isFinite(iat) ? { issuedAt: iat * 1000 } : {}
}

const MAX_STRENGTH_CHARS = 255
const MAX_METHODS = 32

/**
 * How its holder signed in, by the issuer's word (OpenID Connect Core §2, RFC 8176). What is not of the declared type says
 * nothing, so that no policy rests upon it.
 */
function strengthOf({ acr, amr }: JsonObject): Pick<TokenCredential, 'acr' | 'amr'> {
  const said = (one: unknown): one is string =>
    typeof one === 'string' && one !== '' && one.length <= MAX_STRENGTH_CHARS
  const methods = Array.isArray(amr) && amr.length <= MAX_METHODS && amr.every(said) ? amr : undefined
  return { ...(said(acr) && { acr }), ...(methods && { amr: methods }) }
}
