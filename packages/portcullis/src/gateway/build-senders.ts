/** Configuration to what tokens need beside being good: scopes, and a proof that their presenter is their owner. */
import { randomBytes } from 'node:crypto'
import type { Config } from '../config/schema.ts'
import { ADMINISTRATION_SCOPES } from '../core/route.ts'
import type { Clock } from '../core/clock.ts'
import type { Principal } from '../core/principal.ts'
import { Secret } from '../core/secret.ts'
import {
  type CertificateName,
  certificateVerifier,
  type VerifyCertificate,
  type Vouching,
} from '../identity/certificates.ts'
import { Nonces } from '../identity/dpop/nonces.ts'
import { proofVerifier } from '../identity/dpop/verify-proof.ts'
import { onceOnly } from '../identity/replays.ts'
import { type RequireSender, senderGuard } from '../identity/require-sender.ts'
import { ScopeDemands } from '../identity/scope-demands.ts'
import type { ReplayStore } from '../identity/replay-store.ts'
import type { TrustBundles } from './trust-bundles.ts'
import { thumbprintsIn } from '../pki/thumbprint.ts'

export interface Senders {
  readonly requireSender: RequireSender
  /** Whether bearers are refused at the resource, whoever they are. */
  readonly boundOnly: (resource: string) => boolean
  readonly verifyCertificate?: VerifyCertificate
}

/** The aggregate path leads to every upstream, so it demands what one of them does. Without a key nonces have one of this process. */
export function buildSenders(
  config: Config,
  replays: ReplayStore,
  clock: Clock,
  publicUrl: string,
  bundles: Pick<TrustBundles, 'of'>,
  nonceKey: Secret<Uint8Array> | undefined,
): Senders {
  const { dpop, senderConstrained } = config.identity
  const nonces = dpop.nonce === 'off' ? undefined : buildNonces(dpop.nonceSeconds, clock, nonceKey)
  const verifyProof = proofVerifier({
    algorithms: dpop.algorithms,
    clock,
    maxAgeSeconds: dpop.proofSeconds,
    skewSeconds: dpop.clockSkewSeconds,
    ...(nonces && { nonces }),
    useOnce: onceOnly(replays, clock),
  })
  const resources = boundResources(config, publicUrl)
  const roles = new Set(senderConstrained.roles)
  const boundOnly = (resource: string) => resources.has(resource)
  const mustBeBound = (principal: Principal, resource: string) =>
    boundOnly(resource) || (roles.size > 0 && principal.roles.some((role) => roles.has(role)))
  const verifyCertificate = buildCertificates(config, bundles)
  return {
    requireSender: senderGuard({ verifyProof, ...(nonces && { nonces }), mustBeBound }),
    boundOnly,
    ...(verifyCertificate && { verifyCertificate }),
  }
}

export const buildScopeDemands = ({ identity }: Config): ScopeDemands =>
  new ScopeDemands([
    ...Object.entries(identity.scopes).map(([scope, rule]) => ({ scope, ...rule })),
    ...[ADMIN_WRITE, ADMIN_READ].filter(({ scope }) => !Object.hasOwn(identity.scopes, scope)),
  ])

const [READ, WRITE] = ADMINISTRATION_SCOPES
const ADMIN_READ = { scope: READ, includes: [], upstreams: [], tools: [] }
const ADMIN_WRITE = { scope: WRITE, includes: [READ], upstreams: [], tools: [] }

/**
 * Its key ends with the process: no proof of an earlier run is good in this one, even if the replay store was lost. Where
 * nodes share what was used, they share the key: a client that is sent from node to node would never have the right nonce.
 */
const buildNonces = (rotateSeconds: number, clock: Clock, key: Secret<Uint8Array> | undefined): Nonces =>
  new Nonces({ key: key ?? new Secret<Uint8Array>(randomBytes(32)), clock, rotateSeconds })

function boundResources({ upstreams }: Config, publicUrl: string): ReadonlySet<string> {
  const bound = Object.entries(upstreams).filter(([, { senderConstrained }]) => senderConstrained === 'required')
  if (bound.length === 0) return new Set()
  return new Set([`${publicUrl}/mcp`, `${publicUrl}/admin`, ...bound.map(([name]) => `${publicUrl}/mcp/${name}`)])
}

function buildCertificates(
  { identity, listen }: Config,
  bundles: Pick<TrustBundles, 'of'>,
): VerifyCertificate | undefined {
  if (identity.certificates.length === 0) return undefined
  return certificateVerifier(
    identity.certificates.map(({ uri, dns, subject, authority, tenant, roles, upstreams }) => {
      const name = { ...(uri && { uri }), ...(dns && { dns }), ...(subject && { subject }) } as CertificateName
      const authorities = authority === undefined ? {} : { authorities: thumbprintsIn(authority) }
      return { name, ...authorities, tenant, roles, ...(upstreams && { upstreams }) }
    }),
    vouching(listen.tls?.clientCertificates, bundles),
  )
}

/** Without bundles TLS has asked already whether a listed authority vouches. */
function vouching(
  asked: NonNullable<Config['listen']['tls']>['clientCertificates'],
  bundles: Pick<TrustBundles, 'of'>,
): Vouching | undefined {
  if (asked === undefined || Object.keys(asked.trustBundles).length === 0) return undefined
  const listed = new Set(asked.authorities.flatMap(thumbprintsIn))
  return { listed, bundleOf: (trustDomain) => bundles.of(trustDomain) }
}
