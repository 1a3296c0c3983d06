/** Configured issuers to the one function that knows whose token something is, and whether it is good. */
import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'
import type { Environment } from '../config/environment.ts'
import type { IssuerConfig } from '../config/schema.ts'
import { readSecret } from '../config/secret-source.ts'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { ClaimMapping, ClaimPath } from '../identity/claims.ts'
import {
  createFetchJson,
  createPostForm,
  type FetchJson,
  type FetchLimits,
  type PostForm,
} from '../identity/fetch-json.ts'
import { createIntrospector } from '../identity/introspection.ts'
import type { IssuerSettings } from '../identity/issuer-settings.ts'
import { createTokenVerifier, type VerifyToken } from '../identity/jwt.ts'
import { looksLikeJwt, readJwt } from '../identity/jwt-parts.ts'
import { ADMINISTRATION_PATH, AGGREGATE_PATH } from '../transport/route.ts'

/** How long keys of issuers are used that have no time of their own. */
export const KEY_RULES = {
  plainHttp: 'refused',
  jwksMaxAgeSeconds: 600,
  jwksStaleSeconds: 600,
  jwksCooldownSeconds: 30,
} as const

const LIMITS = { timeoutMs: 5_000, maxBytes: 262_144, plainHttp: 'refused' } as const satisfies FetchLimits

/**
 * A verifier for each issuer, so that the authorities and the times of one are not those of another. A JWT goes to the
 * issuer that it names, and to nobody else; an opaque token to the one issuer that is asked about those.
 */
export function buildTokenVerifier(
  issuers: readonly IssuerConfig[],
  clock: Clock,
  environment: Environment,
  publicUrl: string,
): VerifyToken {
  const verifiers = new Map(issuers.map((issuer) => [issuer.issuer, jwtVerifier(issuer, clock, publicUrl)]))
  const introspect = issuers
    .map((issuer) => introspector(issuer, clock, environment, publicUrl))
    .find((one) => one !== undefined)
  return async (token) => {
    if (introspect !== undefined && !looksLikeJwt(token)) return introspect(token)
    const { iss } = readJwt(token).claims
    const verify = typeof iss === 'string' ? verifiers.get(iss) : undefined
    if (verify === undefined) throw new Fault('identity.invalid_token', { reason: 'unknown issuer' })
    return verify(token)
  }
}

function jwtVerifier(issuer: IssuerConfig, clock: Clock, publicUrl: string): VerifyToken {
  return createTokenVerifier({
    issuers: [issuerSettings(issuer, publicUrl)],
    clock,
    fetchJson: web(issuer).fetchJson,
    plainHttp: LIMITS.plainHttp,
    jwksMaxAgeSeconds: issuer.jwksTtlSeconds,
    jwksStaleSeconds: issuer.jwksTtlSeconds,
    jwksCooldownSeconds: 30,
  })
}

function introspector(
  issuer: IssuerConfig,
  clock: Clock,
  environment: Environment,
  publicUrl: string,
): VerifyToken | undefined {
  const { introspection, clockSkewSeconds } = issuer
  if (introspection === undefined) return undefined
  const { url, clientId, secret, rememberSeconds } = introspection
  const settings = {
    issuer: issuer.issuer,
    ...audienceRules(issuer, publicUrl),
    ...(url !== undefined && { url }),
    ...{ claims: claimMapping(issuer), clientId, secret: readSecret(secret, environment) },
    ...{ clockSkewSeconds, rememberSeconds },
  }
  return createIntrospector({ settings, clock, plainHttp: LIMITS.plainHttp, ...web(issuer) })
}

function issuerSettings(issuer: IssuerConfig, publicUrl: string): IssuerSettings {
  const { jwksUri, algorithms, clockSkewSeconds } = issuer
  return {
    issuer: issuer.issuer,
    algorithms,
    ...(jwksUri !== undefined && { jwksUri }),
    ...audienceRules(issuer, publicUrl),
    clockSkewSeconds,
    ...(issuer.tokenType === 'at+jwt' && { requireTyp: 'at+jwt' as const }),
    claims: claimMapping(issuer),
  }
}

function audienceRules({ audiences }: IssuerConfig, publicUrl: string) {
  if (audiences === undefined) return {}
  if (!('upstreams' in audiences)) return { audiences }
  const { aggregate, administration, upstreams } = audiences
  const audiencesByResource = new Map<string, readonly string[]>([
    ...(aggregate ? [[publicUrl + AGGREGATE_PATH, aggregate] as const] : []),
    ...(administration ? [[publicUrl + ADMINISTRATION_PATH, administration] as const] : []),
    ...Object.entries(upstreams).map(([name, own]) => [`${publicUrl}${AGGREGATE_PATH}/${name}`, own] as const),
  ])
  return { audiencesByResource }
}

type MappedIssuer = Pick<IssuerConfig, 'tenant' | 'roles' | 'everyone' | 'subjectClaim' | 'scopesClaim'>

/** What the claims of an issuer mean here. */
export function claimMapping({ tenant, roles, everyone, subjectClaim, scopesClaim }: MappedIssuer): ClaimMapping {
  return {
    tenant: typeof tenant === 'string' ? { fixed: tenant } : { ...tenant, claim: claimPath(tenant.claim) },
    ...(roles && { roles: { claim: claimPath(roles.claim), map: roles.map } }),
    everyone,
    ...(subjectClaim !== undefined && { subject: claimPath(subjectClaim) }),
    ...(scopesClaim !== undefined && { scopes: claimPath(scopesClaim) }),
  }
}

/** A claim name, or the way to a nested one. The schema lets no empty list through. */
export const claimPath = (claim: string | readonly string[]): ClaimPath =>
  typeof claim === 'string' ? claim : (claim as readonly [string, ...string[]])

/** How an issuer is asked. One of a private authority is reached through connections that trust it beside the usual ones. */
export function web({ ca: file }: Pick<IssuerConfig, 'ca'>): {
  readonly fetchJson: FetchJson
  readonly postForm: PostForm
} {
  if (file === undefined) return { fetchJson: createFetchJson(LIMITS), postForm: createPostForm(LIMITS) }
  const ca = [...rootCertificates, readFileSync(file, 'utf8')]
  let trusting: Promise<FetchLimits> | undefined
  const limits = () => {
    trusting ??= import('undici').then(({ Agent }) => ({ ...LIMITS, dispatcher: new Agent({ connect: { ca } }) }))
    return trusting
  }
  return {
    fetchJson: async (url) => createFetchJson(await limits())(url),
    postForm: async (url, form, authorization) => createPostForm(await limits())(url, form, authorization),
  }
}
