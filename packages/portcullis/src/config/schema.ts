/** The whole configuration. Everything else in this room (types, documents, checks, explanations) is derived from it. */
import './checked-once.ts'
import { z } from 'zod'
import { administration } from './administration-schema.ts'
import { anomalies } from './anomaly-schema.ts'
import { backup } from './backup-schema.ts'
import { dataProtection } from './data-protection-schema.ts'
import { definitions } from './definitions-schema.ts'
import { exporters } from './export-schema.ts'
import { name, path } from './fields.ts'
import { audit, limits } from './guard-schema.ts'
import { identity, policy } from './identity-schema.ts'
import { inspection } from './inspection-schema.ts'
import { masking } from './masking-schema.ts'
import { listen } from './listen-schema.ts'
import { store } from './store-schema.ts'
import { telemetry } from './telemetry-schema.ts'
import { tenants } from './tenant-schema.ts'
import { traffic } from './traffic-schema.ts'
import { upstream } from './upstream-schema.ts'
import { outbound } from './validation-schema.ts'

export const configSchema = z.strictObject({
  version: z.literal(1).describe('Version of this format.'),
  listen: listen.prefault({}).describe('Where clients reach the gateway.'),
  state: path.describe('Folder for the store, the audit chain and the local authority. Mode 0700.'),
  store: store.prefault({}).describe('Where keys, accounts and revocations are kept.'),
  identity: identity.prefault({}).describe('Who is believed.'),
  policy: policy.prefault({}).describe('Who may do what.'),
  upstreams: z
    .record(name, upstream)
    .default({})
    .describe('The MCP servers behind the gateway, by name; each has the path `/mcp/NAME`.'),
  outbound: outbound
    .prefault({})
    .describe(
      'How the certificates of servers are judged that the gateway asks for itself: identity providers, authorization servers, key services, exporters, telemetry, witnesses, classifiers, Redis. Upstreams have `http.tls` of their own.',
    ),
  definitions: definitions.prefault({}).describe('What upstreams say of themselves, and who has approved it.'),
  tenants,
  administration: administration.prefault({}).describe('Who looks after the gateway itself.'),
  masking: masking
    .optional()
    .describe(
      'What is done about secrets and personal data on the way. In logs, errors and records they are masked always.',
    ),
  inspection: inspection.prefault({}).describe('What follows from what is found in arguments and results.'),
  limits: limits.prefault({}).describe('How much is taken in.'),
  traffic: traffic.prefault({}).describe('From whom, and how often.'),
  anomalies: anomalies.prefault({}).describe('When conduct is unusual, and what follows.'),
  dataProtection: dataProtection.prefault({}).describe('How secrets are sealed at rest.'),
  backup: backup.prefault({}).describe('Copies of the gateway, sealed.'),
  audit: audit.prefault({}).describe('What is written down.'),
  exporters,
  telemetry,
})

/** What `z.infer` gives, read-only and without `undefined` in optional members. */
type Settled<T> = T extends readonly (infer Item)[]
  ? readonly Settled<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Settled<Exclude<T[Key], undefined>> }
    : T

/** A valid configuration: defaults filled in, paths absolute (see load.ts). */
export type Config = Settled<z.output<typeof configSchema>>
export type UpstreamConfig = Config['upstreams'][string]
export type StdioConfig = NonNullable<UpstreamConfig['stdio']>
export type HttpConfig = NonNullable<UpstreamConfig['http']>
export type CodeConfig = NonNullable<UpstreamConfig['code']>
export type SandboxConfig = StdioConfig['sandbox']
export type NetworkConfig = NonNullable<SandboxConfig['network']>
export type TenantConfig = NonNullable<Config['tenants']>[string]
export type ExporterConfig = Config['exporters'][string]
export type WitnessConfig = Config['audit']['witness'][string]
export type KeyKeeperConfig = Config['dataProtection']['keyEncryption']
export type IssuerConfig = Config['identity']['issuers'][number]
export type AssertionConfig = NonNullable<NonNullable<Config['identity']['server']>['assertions']>
/** Exactly one of the two members is there; the schema sees to it. */
export type SecretSource = HttpConfig['headers'][string]
