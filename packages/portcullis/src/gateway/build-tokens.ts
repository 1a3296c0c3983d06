/** Configured issuers to the one function that knows whose token something is, and whether it is good. */
import { rootCertificates } from 'node:tls'
import type { Environment } from '../config/environment.ts'
import type { IssuerConfig } from '../config/schema.ts'
import { readSecret } from '../config/secret-source.ts'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import { type Prover, tlsAgent } from '../core/tls-agent.ts'
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
import { trustedServer } from './trusted-server.ts'

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
  prover: Prover,
): VerifyToken {
  const asked = issuers.map((issuer) => [issuer, web(issuer, prover)] as const)
  const verifiers = new Map(asked.map(([issuer, by]) => [issuer.issuer, jwtVerifier(issuer, by, clock, publicUrl)]))
  const introspect = asked
    .map(([issuer, by]) => introspector(issuer, by, clock, environment, publicUrl))
    .find((one) => one !== undefined)
  return async (token) => {
    if (introspect !== undefined && !looksLikeJwt(token)) return introspect(token)
    const { iss } = readJwt(token).claims
    const verify = typeof iss === 'string' ? verifiers.get(iss) : undefined
    if (verify === undefined) throw new Fault('identity.invalid_token', { reason: 'unknown issuer' })
    return verify(token)
  }
}

function jwtVerifier(issuer: IssuerConfig, { fetchJson }: Web, clock: Clock, publicUrl: string): VerifyToken {
  return createTokenVerifier({
    issuers: [issuerSettings(issuer, publicUrl)],
    clock,
    fetchJson,
    plainHttp: LIMITS.plainHttp,
    jwksMaxAgeSeconds: issuer.jwksTtlSeconds,
    jwksStaleSeconds: issuer.jwksTtlSeconds,
    jwksCooldownSeconds: 30,
  })
}

function introspector(
  issuer: IssuerConfig,
  by: Web,
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
  return createIntrospector({ settings, clock, plainHttp: LIMITS.plainHttp, ...by })
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

interface Web {
  readonly fetchJson: FetchJson
  readonly postForm: PostForm
}

/** How an issuer is asked. One of a private authority is reached through connections that trust it beside the usual ones. */
export function web({ issuer, ca: file }: Pick<IssuerConfig, 'issuer' | 'ca'>, prover: Prover): Web {
  const { ca, prove } = trustedServer(prover, issuer, file)
  const connect = ca === undefined ? {} : { ca: [...rootCertificates, ca] }
  let proving: Promise<FetchLimits> | undefined
  const limits = () => {
    proving ??= tlsAgent(connect, {}, prove).then((dispatcher) => ({ ...LIMITS, dispatcher }))
    return proving
  }
  return {
    fetchJson: async (url) => createFetchJson(await limits())(url),
    postForm: async (url, form, authorization) => createPostForm(await limits())(url, form, authorization),
  }
}
