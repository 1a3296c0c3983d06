import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'
import type { Logger } from '../audit/log.ts'
import type { Config, IssuerConfig } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated } from '../core/principal.ts'
import type { Routed } from '../core/route.ts'
import { authenticate } from '../identity/authenticate.ts'
import { createChallenges } from '../identity/challenge.ts'
import type { ClaimPath } from '../identity/claims.ts'
import { createFetchJson, type FetchJson } from '../identity/fetch-json.ts'
import type { IssuerSettings } from '../identity/issuer-settings.ts'
import { createTokenVerifier, type VerifyToken } from '../identity/jwt.ts'
import { readJwt } from '../identity/jwt-parts.ts'
import { LastUse } from '../identity/last-use.ts'
import { RevocationList } from '../identity/revocation.ts'
import { type ResourceDocument, resourceDocuments } from '../identity/resource-metadata.ts'
import type { Stores } from '../stores/stores.ts'

export interface Identity {
  readonly check: Check<Exchange & Routed, Authenticated>
  readonly revocations: RevocationList
  /** RFC 9728 metadata by request path; empty without an outside issuer. */
  readonly documents: ReadonlyMap<string, ResourceDocument>
  close(): Promise<void>
}

export interface IdentityParts {
  readonly config: Config
  readonly stores: Stores
  readonly clock: Clock
  readonly log: Logger
  readonly publicUrl: string
}

/** Everything that proves a caller. Rejects when the revocations cannot be read: that is a start-up error. */
export async function buildIdentity({ config, stores, clock, log, publicUrl }: IdentityParts): Promise<Identity> {
  const { identity } = config
  const onProblem = (error: unknown) => log.warn('the store does not answer', { error })
  const revocations = new RevocationList({
    store: stores.revocations,
    clock,
    pollMs: 500,
    staleAfterMs: 10_000,
    onProblem,
  })
  await revocations.start()
  const lastUse = new LastUse({ store: stores.apiKeys, flushMs: 5_000, onProblem })
  lastUse.start()
  const { issuers } = identity
  const verifyToken = issuers.length === 0 ? undefined : tokenVerifier(issuers, clock)
  const check = authenticate({
    apiKeys: identity.apiKeys.enabled ? stores.apiKeys : NO_KEYS,
    ...(verifyToken && { verifyToken }),
    revocations,
    lastUse,
    challenges: createChallenges({ discovery: issuers.length > 0 ? 'published' : 'none', scopes: [] }),
    clock,
    maxRemembered: 50_000,
    rememberSeconds: 60,
    refusalSeconds: 5,
    maxPending: 256,
  })
  const documents = resourceDocuments({
    resources: resources(config, publicUrl),
    issuers: issuers.map((one) => one.issuer),
    scopes: [],
  })
  return {
    check,
    revocations,
    documents,
    async close() {
      revocations.close()
      await lastUse.close()
    },
  }
}

const NO_KEYS = { findByDigest: () => Promise.resolve(undefined) }

function resources(config: Config, publicUrl: string) {
  return [
    { resource: `${publicUrl}/mcp`, kind: 'aggregate' as const },
    ...Object.entries(config.upstreams).map(([name, { title }]) => ({
      resource: `${publicUrl}/mcp/${name}`,
      kind: 'upstream' as const,
      ...(title !== undefined && { name: title }),
    })),
  ]
}

function issuerSettings(issuer: IssuerConfig): IssuerSettings {
  const { jwksUri, audiences, roles, subjectClaim, scopesClaim } = issuer
  return {
    issuer: issuer.issuer,
    algorithms: issuer.algorithms,
    ...(jwksUri !== undefined && { jwksUri }),
    ...(audiences !== undefined && { audiences }),
    clockSkewSeconds: issuer.clockSkewSeconds,
    ...(issuer.tokenType === 'at+jwt' && { requireTyp: 'at+jwt' as const }),
    claims: {
      tenant:
        typeof issuer.tenant === 'string'
          ? { fixed: issuer.tenant }
          : { ...issuer.tenant, claim: claimPath(issuer.tenant.claim) },
      ...(roles && { roles: { claim: claimPath(roles.claim), map: roles.map } }),
      everyone: issuer.everyone,
      ...(subjectClaim !== undefined && { subject: claimPath(subjectClaim) }),
      ...(scopesClaim !== undefined && { scopes: claimPath(scopesClaim) }),
    },
  }
}

/** The schema lets no empty list through. */
const claimPath = (claim: string | readonly string[]): ClaimPath =>
  typeof claim === 'string' ? claim : (claim as readonly [string, ...string[]])

/** A verifier for each issuer, so that the authorities and the times of one are not those of another. */
function tokenVerifier(issuers: readonly IssuerConfig[], clock: Clock): VerifyToken {
  const verifiers = new Map(issuers.map((issuer) => [issuer.issuer, issuerVerifier(issuer, clock)]))
  return async (token) => {
    const { iss } = readJwt(token).claims
    const verify = typeof iss === 'string' ? verifiers.get(iss) : undefined
    if (verify === undefined) throw new Fault('identity.invalid_token', { reason: 'unknown issuer' })
    return verify(token)
  }
}

function issuerVerifier(issuer: IssuerConfig, clock: Clock): VerifyToken {
  return createTokenVerifier({
    issuers: [issuerSettings(issuer)],
    clock,
    fetchJson: fetchJson(issuer),
    plainHttp: 'refused',
    jwksMaxAgeSeconds: issuer.jwksTtlSeconds,
    jwksStaleSeconds: issuer.jwksTtlSeconds,
    jwksCooldownSeconds: 30,
  })
}

/** An issuer of a private authority is reached through connections that trust it beside the usual ones. */
function fetchJson({ ca: file }: IssuerConfig): FetchJson {
  const limits = { timeoutMs: 5_000, maxBytes: 262_144, plainHttp: 'refused' as const }
  if (file === undefined) return createFetchJson(limits)
  const ca = [...rootCertificates, readFileSync(file, 'utf8')]
  let trusting: Promise<FetchJson> | undefined
  return async (url) => {
    trusting ??= import('undici').then(({ Agent }) =>
      createFetchJson({ ...limits, dispatcher: new Agent({ connect: { ca } }) }),
    )
    return (await trusting)(url)
  }
}
