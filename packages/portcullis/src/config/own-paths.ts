/** What belongs to the gateway itself, so that no program is given it. */
import { globSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { keyAuthorities, keyFiles } from './anchor-data-protection.ts'
import { exporterAuthorities, exporterFiles } from './exporter-paths.ts'
import type { Config, SandboxConfig, SecretSource, UpstreamConfig } from './schema.ts'
import { signatureAuthorities, signatureFiles } from './signature-paths.ts'
import { witnessAuthorities, witnessFiles } from './witness-paths.ts'

/**
 * State, records, configuration, policies and every file with a secret of ours, absolute. The secrets of a program's own
 * environment are its own.
 */
export function ownPaths(config: Config, configFile: string): readonly string[] {
  const { key } = config.listen.tls ?? {}
  const providers = config.identity.server?.providers ?? []
  const keys = providers.flatMap(({ clientSecret, clientKey }) => [clientSecret ?? {}, clientKey ?? {}])
  const secrets = [...keys, config.listen.metrics?.token ?? {}, ...Object.values(config.upstreams).flatMap(secretsOf)]
  const files = [
    config.audit.folder,
    config.audit.log.file,
    config.store.password?.file,
    config.backup.folder,
    config.backup.postgres?.password?.file,
    key?.file,
    ...secrets.map(({ file }) => file),
    ...exporterFiles(config.exporters),
    ...keyFiles(config.dataProtection),
    ...witnessFiles(config.audit),
    ...signatureFiles(config),
    ...telemetryFiles(config),
  ]
  const all = [resolve(configFile), ...policyFiles(config), ...files.filter((file) => file !== undefined)]
  return [config.state, ...all.filter((path) => !isWithin(path, config.state))]
}

/**
 * What tells the gateway whom to believe, absolute: no secret, so a program may read it, but one that could replace it
 * could speak for an issuer or an upstream.
 */
export function trustedFiles({
  audit,
  dataProtection,
  definitions,
  identity,
  listen,
  outbound,
  upstreams,
  exporters,
  telemetry,
  store,
}: Config): readonly string[] {
  const issuers = [...identity.issuers, ...(identity.server?.providers ?? [])].map(({ ca }) => ca)
  const servers = Object.values(upstreams).map(({ http }) => http?.tls.ca)
  const lists = [outbound, listen.tls?.clientCertificates, ...Object.values(upstreams).map(({ http }) => http?.tls)]
  const files = [
    ...issuers,
    ...servers,
    ...lists.flatMap((one) => one?.crls ?? []),
    ...exporterAuthorities(exporters),
    ...keyAuthorities(dataProtection),
    ...witnessAuthorities(audit),
    ...signatureAuthorities({ identity, upstreams }),
    telemetry?.ca,
    store.ca,
    listen.tls?.certificate?.file,
    definitions.lock,
  ]
  return files.filter((file) => file !== undefined)
}

/** The files that the patterns of `policy.files` name, of all and of each tenant, sorted, each once. */
export function policyFiles({ policy, tenants = {} }: Pick<Config, 'policy' | 'tenants'>): readonly string[] {
  const patterns = [policy, ...Object.values(tenants).map((tenant) => tenant.policy)].flatMap(({ files }) => files)
  return [...new Set(patterns.flatMap((pattern) => globSync(pattern)))].toSorted()
}

/** The walls that an upstream of this kind stands in; undefined for one over HTTP. */
export function sandboxOf({ stdio, code }: UpstreamConfig): SandboxConfig | undefined {
  return (stdio ?? code)?.sandbox
}

/** Where the symbolic links of a path lead, as far as it exists. What is not there yet is judged by where it would be. */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(realPath(parent), basename(path))
  }
}

/** Both absolute. A folder is within itself. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

/** The key of its certificate, and the secrets that it sends along. */
const telemetryFiles = ({ telemetry }: Config): readonly (string | undefined)[] =>
  telemetry === undefined ? [] : [telemetry.key, ...Object.values(telemetry.headers).map(({ file }) => file)]

/** What the gateway alone may know of an upstream. */
function secretsOf(upstream: UpstreamConfig): readonly SecretSource[] {
  const rules = sandboxOf(upstream)?.network?.allow ?? []
  const injected = rules.flatMap(({ credential }) => (credential === undefined ? [] : [credential.value]))
  const { headers = {}, oauth, exchange } = upstream.http ?? {}
  const clients = [oauth?.client?.secret, exchange?.client.secret].filter((secret) => secret !== undefined)
  return [...Object.values(headers), ...clients, ...injected]
}
