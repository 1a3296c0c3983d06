import type { Logger } from '../audit/log.ts'
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Secret } from '../core/secret.ts'
import type { Check, Wrap } from '../core/pipeline.ts'
import type { Authenticated } from '../core/principal.ts'
import type { Routed } from '../core/route.ts'
import { authenticate } from '../identity/authenticate.ts'
import type { Challenges } from '../identity/challenge.ts'
import { freshNonce } from '../identity/fresh-nonce.ts'
import type { VerifyToken } from '../identity/jwt.ts'
import { looksLikeJwt, readJwt } from '../identity/jwt-parts.ts'
import { issuedSince } from '../identity/issued-since.ts'
import { LastUse } from '../identity/last-use.ts'
import { refuseTogether } from '../identity/refuse-together.ts'
import { requireScopes } from '../identity/require-scopes.ts'
import { RevocationList } from '../identity/revocation.ts'
import type { ResourceDocument } from '../identity/resource-metadata.ts'
import type { ScopeDemands } from '../identity/scope-demands.ts'
import type { Prover } from '../core/tls-agent.ts'
import type { Resolved } from '../mcp/definition.ts'
import type { Stores } from '../stores/stores.ts'
import { buildPublished } from './build-published.ts'
import { buildScopeDemands, buildSenders } from './build-senders.ts'
import { buildTokenVerifier } from './build-tokens.ts'
import { readDistrust } from './distrust.ts'
import { tenantHas } from './tenants.ts'
import type { TrustBundles } from './trust-bundles.ts'
import type { OpenServer } from './build-authorization-server.ts'

export interface Identity {
  readonly check: Check<Exchange & Routed, Authenticated>
  readonly scopes: Check<Exchange & Routed & Authenticated & Partial<Resolved>>
  readonly nonce: Wrap<Exchange & Authenticated>
  readonly demands: ScopeDemands
  readonly revocations: RevocationList
  readonly challenges: Challenges
  /** RFC 9728 metadata by request path; empty without an outside issuer. */
  readonly documents: ReadonlyMap<string, ResourceDocument>
  /** Absent when none is configured. */
  readonly server: OpenServer | undefined
  close(): Promise<void>
}

export interface IdentityParts {
  readonly config: Config
  readonly stores: Stores
  readonly clock: Clock
  readonly log: Logger
  readonly environment: Environment
  readonly publicUrl: string
  readonly prover: Prover
  readonly bundles: Pick<TrustBundles, 'of'>
  readonly openServer: (revocations: RevocationList) => Promise<OpenServer | undefined>
  /** What all nodes make nonces from; absent, or undefined, where there is one node. */
  readonly nonceKey?: () => Promise<Secret<Uint8Array> | undefined>
}

const MEMORY = { maxRemembered: 50_000, rememberSeconds: 60, refusalSeconds: 5, maxPending: 256 }

const ALONE = { pollMs: 500, staleAfterMs: 10_000 }
/** Others revoke while we cannot read, so a node that has had no answer for a second lets nobody in. */
const SHARED = { pollMs: 250, staleAfterMs: 1_000 }

/** Longer than any refusal takes that asks nobody else. */
const REFUSAL_MS = 10

/** Everything that proves a caller. Rejects when the revocations cannot be read: that is a start-up error. */
export async function buildIdentity(parts: IdentityParts): Promise<Identity> {
  const { config, stores, clock, log, environment, publicUrl } = parts
  const { identity } = config
  const onProblem = (error: unknown) => log.warn('the store does not answer', { error })
  const revocations = await openRevocations(stores, clock, onProblem)
  const lastUse = new LastUse({ store: stores.apiKeys, flushMs: 5_000, onProblem })
  lastUse.start()
  const { issuers } = identity
  const server = await parts.openServer(revocations)
  const believed = [...(server ? [server.issuer] : []), ...issuers.map((one) => one.issuer)]
  const outside =
    issuers.length === 0 ? undefined : buildTokenVerifier(issuers, clock, environment, publicUrl, parts.prover)
  const anyToken = server === undefined ? outside : ownFirst(server, outside)
  const verifyToken = anyToken && notDistrusted(anyToken, config)
  const demands = buildScopeDemands(config)
  const senders = buildSenders(config, stores.replays, clock, publicUrl, parts.bundles, await parts.nonceKey?.())
  const { challenges, documents } = buildPublished(config, publicUrl, believed, demands, senders)
  const check = authenticate({
    apiKeys: identity.apiKeys.enabled ? stores.apiKeys : NO_KEYS,
    ...(verifyToken && { verifyToken }),
    revocations,
    lastUse,
    ...senders,
    tenantHas: tenantHas(config),
    refuseTogether: refuseTogether(REFUSAL_MS, clock),
    challenges,
    clock,
    ...MEMORY,
  })
  return {
    check,
    scopes: requireScopes(demands, challenges),
    nonce: freshNonce,
    demands,
    revocations,
    challenges,
    documents,
    server,
    async close() {
      server?.close()
      revocations.close()
      await lastUse.close()
    },
  }
}

/** What was issued before a restored backup was made to forget it is worth nothing. */
function notDistrusted(verify: VerifyToken, config: Config): VerifyToken {
  const since = readDistrust(stateLayout(config).distrust)
  return since === undefined ? verify : issuedSince(verify, since)
}

async function openRevocations(stores: Stores, clock: Clock, onProblem: (error: unknown) => void) {
  const store = stores.revocations
  const revocations = new RevocationList({ store, clock, ...(stores.shared ? SHARED : ALONE), onProblem })
  await revocations.start()
  stores.shared?.onNews((isAnew) => void revocations.refresh(isAnew).catch(onProblem))
  return revocations
}

/** A token that names us is ours or nobody's. */
function ownFirst({ issuer, verify }: OpenServer, outside: VerifyToken | undefined): VerifyToken {
  return async (token) => {
    if (looksLikeJwt(token) && readJwt(token).claims['iss'] === issuer) return verify(token)
    if (outside === undefined) throw new Fault('identity.invalid_token', { reason: 'unknown issuer' })
    return outside(token)
  }
}

const NO_KEYS = { findByDigest: () => Promise.resolve(undefined) }
