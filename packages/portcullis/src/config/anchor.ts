/** Makes every path of the configuration absolute: `~` is the home folder, everything else relative to the file. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { anchorDataProtection } from './anchor-data-protection.ts'
import { anchorExporters, anchorHeaders, anchorTrust } from './anchor-exporters.ts'
import { anchorWitnesses } from './anchor-witness.ts'
import { anchorSignatures, anchorUpstreamSignatures } from './signature-paths.ts'
import type {
  Config,
  HttpConfig,
  IssuerConfig,
  NetworkConfig,
  SandboxConfig,
  SecretSource,
  StdioConfig,
  TenantConfig,
  UpstreamConfig,
} from './schema.ts'

const LOCAL = {
  authority: 'local',
  staple: 'auto',
  minVersion: 'TLSv1.3',
  http2: 'on',
  revocationNetworks: [],
} as const

/** Fills in what depends on other members: the local authority unless TLS is given up, the audit folder inside `state`. */
export function anchor(config: Config, folder: string): Config {
  const at = (path: string) => absolute(path, folder)
  const { tls, plaintext } = config.listen
  const listener = tls ?? (plaintext === undefined ? LOCAL : undefined)
  const state = at(config.state)
  const { log } = config.audit
  return {
    ...config,
    state,
    identity: anchorIdentity(config.identity, at),
    listen: { ...config.listen, ...(listener === undefined ? {} : { tls: anchorTls(listener, at) }) },
    policy: anchorPolicy(config.policy, at),
    definitions: { ...config.definitions, lock: at(config.definitions.lock) },
    inspection: { ...config.inspection, results: anchorResults(config.inspection.results, at) },
    ...(config.tenants && { tenants: mapValues(config.tenants, (tenant) => anchorTenant(tenant, at)) }),
    upstreams: mapValues(config.upstreams, (upstream) => anchorUpstream(upstream, at)),
    outbound: { ...config.outbound, crls: config.outbound.crls.map(at) },
    exporters: anchorExporters(config.exporters, at),
    dataProtection: anchorDataProtection(config.dataProtection, at),
    ...(config.telemetry && { telemetry: anchorTelemetry(config.telemetry, at) }),
    store: anchorStore(config.store, at),
    traffic: anchorTraffic(config.traffic, at),
    backup: anchorBackup(config.backup, at),
    audit: {
      ...config.audit,
      folder: config.audit.folder === undefined ? join(state, 'audit') : at(config.audit.folder),
      witness: anchorWitnesses(config.audit.witness, at),
      log: log.file === undefined ? log : { ...log, file: at(log.file) },
    },
  }
}

export function absolute(path: string, folder: string): string {
  if (path === '~') return homedir()
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(folder, path)
}

type At = (path: string) => string

function anchorTls(tls: NonNullable<Config['listen']['tls']>, at: At): NonNullable<Config['listen']['tls']> {
  const { certificate, key, clientCertificates } = tls
  return {
    ...tls,
    ...(certificate && { certificate: { file: at(certificate.file) } }),
    ...(key && { key: { file: at(key.file) } }),
    ...(clientCertificates && {
      clientCertificates: {
        ...clientCertificates,
        authorities: clientCertificates.authorities.map(at),
        trustBundles: mapValues(clientCertificates.trustBundles, at),
        crls: clientCertificates.crls.map(at),
      },
    }),
  }
}

function anchorIdentity(identity: Config['identity'], at: At): Config['identity'] {
  const { issuers, certificates, server, signatures } = identity
  return {
    ...identity,
    issuers: issuers.map((issuer) => anchorIssuer(issuer, at)),
    certificates: certificates.map((rule) =>
      rule.authority === undefined ? rule : { ...rule, authority: at(rule.authority) },
    ),
    ...(server && { server: anchorServer(server, at) }),
    ...(signatures && { signatures: anchorSignatures(signatures, at) }),
  }
}

type ServerConfig = NonNullable<Config['identity']['server']>

function anchorServer(server: ServerConfig, at: At): ServerConfig {
  const { clientDocuments: documents, assertions } = server
  const trusting = <T extends { readonly ca?: string }>(one: T): T =>
    one.ca === undefined ? one : { ...one, ca: at(one.ca) }
  return {
    ...server,
    clientDocuments: trusting(documents),
    providers: server.providers.map(({ clientSecret, clientKey, ...provider }) => ({
      ...trusting(provider),
      ...(clientSecret && { clientSecret: anchorSecret(clientSecret, at) }),
      ...(clientKey && { clientKey: anchorSecret(clientKey, at) }),
    })),
    ...(assertions && { assertions: { ...assertions, issuers: assertions.issuers.map(trusting) } }),
  }
}

function anchorIssuer(issuer: IssuerConfig, at: At): IssuerConfig {
  const { ca, introspection } = issuer
  return {
    ...issuer,
    ...(ca !== undefined && { ca: at(ca) }),
    ...(introspection && { introspection: { ...introspection, secret: anchorSecret(introspection.secret, at) } }),
  }
}

/** A ready-made role that is in force is a role that is known. */
function anchorPolicy<Policy extends Config['policy']>(policy: Policy, at: At): Policy {
  const roles = [...new Set([...policy.roles, ...policy.builtin])]
  return { ...policy, roles, files: policy.files.map(at) }
}

function anchorTraffic(traffic: Config['traffic'], at: At): Config['traffic'] {
  const { lists, redis } = traffic
  const { countries, files } = lists
  return {
    ...traffic,
    lists: {
      ...lists,
      files: files.map((one) => ({ ...one, file: at(one.file) })),
      ...(countries !== undefined && { countries: at(countries) }),
    },
    ...(redis && {
      redis: {
        ...redis,
        ...(redis.ca !== undefined && { ca: at(redis.ca) }),
        ...(redis.password && { password: anchorSecret(redis.password, at) }),
      },
    }),
  }
}

function anchorStore({ ca, socket, password, ...store }: Config['store'], at: At): Config['store'] {
  return {
    ...store,
    ...(ca !== undefined && { ca: at(ca) }),
    ...(socket !== undefined && { socket: at(socket) }),
    ...(password && { password: anchorSecret(password, at) }),
  }
}

function anchorBackup({ folder, postgres, ...backup }: Config['backup'], at: At): Config['backup'] {
  const { password, programs, ...role } = postgres ?? {}
  return {
    ...backup,
    ...(folder !== undefined && { folder: at(folder) }),
    ...(postgres && {
      postgres: {
        ...{ ...role, username: postgres.username },
        ...(password && { password: anchorSecret(password, at) }),
        ...(programs !== undefined && { programs: at(programs) }),
      },
    }),
  }
}

type ResultsConfig = Config['inspection']['results']

function anchorResults(results: ResultsConfig, at: At): ResultsConfig {
  const { classifier } = results
  return {
    ...results,
    canaries: results.canaries.map((canary) => anchorSecret(canary, at)),
    ...(classifier && {
      classifier: {
        ...classifier,
        ...(classifier.ca !== undefined && { ca: at(classifier.ca) }),
        ...(classifier.token && { token: anchorSecret(classifier.token, at) }),
      },
    }),
  }
}

function anchorTenant(tenant: TenantConfig, at: At): TenantConfig {
  return { ...tenant, policy: anchorPolicy(tenant.policy, at) }
}

function anchorUpstream(given: UpstreamConfig, at: At): UpstreamConfig {
  const { signatures } = given
  const upstream = signatures ? { ...given, signatures: anchorUpstreamSignatures(signatures, at) } : given
  if (upstream.stdio !== undefined) return { ...upstream, stdio: anchorStdio(upstream.stdio, at) }
  if (upstream.code !== undefined)
    return { ...upstream, code: { ...upstream.code, sandbox: anchorSandbox(upstream.code.sandbox, at) } }
  return upstream.http === undefined ? upstream : { ...upstream, http: anchorHttp(upstream.http, at) }
}

function anchorStdio(stdio: StdioConfig, at: At): StdioConfig {
  return {
    ...stdio,
    // A bare name is looked up in the search path; anything with a slash is a path.
    command: stdio.command.includes('/') ? at(stdio.command) : stdio.command,
    env: mapValues(stdio.env, (value) => (typeof value === 'string' ? value : anchorSecret(value, at))),
    ...(stdio.cwd === undefined ? {} : { cwd: at(stdio.cwd) }),
    sandbox: anchorSandbox(stdio.sandbox, at),
  }
}

function anchorSandbox(sandbox: SandboxConfig, at: At): SandboxConfig {
  return {
    ...sandbox,
    read: sandbox.read.map(at),
    write: sandbox.write.map(at),
    ...(sandbox.network === undefined ? {} : { network: anchorNetwork(sandbox.network, at) }),
  }
}

function anchorNetwork(network: NetworkConfig, at: At): NetworkConfig {
  const allow = network.allow.map(({ credential, ...rule }) =>
    credential === undefined
      ? rule
      : { ...rule, credential: { ...credential, value: anchorSecret(credential.value, at) } },
  )
  return { ...network, allow }
}

function anchorHttp(http: HttpConfig, at: At): HttpConfig {
  return {
    ...http,
    headers: mapValues(http.headers, (source) => anchorSecret(source, at)),
    tls: {
      ...http.tls,
      ...(http.tls.ca !== undefined && { ca: at(http.tls.ca) }),
      crls: http.tls.crls.map(at),
    },
    ...anchorAccess(http, at),
  }
}

function anchorAccess({ oauth, exchange }: HttpConfig, at: At): Partial<HttpConfig> {
  const ca = (value: string | undefined) => (value === undefined ? {} : { ca: at(value) })
  const secret = oauth?.client?.secret
  return {
    ...(oauth && {
      oauth: {
        ...oauth,
        ...ca(oauth.ca),
        ...(oauth.client && secret && { client: { ...oauth.client, secret: anchorSecret(secret, at) } }),
      },
    }),
    ...(exchange && {
      exchange: {
        ...exchange,
        ...ca(exchange.ca),
        client: { ...exchange.client, secret: anchorSecret(exchange.client.secret, at) },
      },
    }),
  }
}

function anchorSecret(source: SecretSource, at: At): SecretSource {
  return source.file === undefined ? source : { file: at(source.file) }
}

function anchorTelemetry<T extends NonNullable<Config['telemetry']>>(telemetry: T, at: At): T {
  return { ...anchorTrust(telemetry, at), headers: anchorHeaders(telemetry.headers, at) }
}

function mapValues<In, Out>(record: Readonly<Record<string, In>>, change: (value: In) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}
