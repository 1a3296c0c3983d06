/** Makes every path of the configuration absolute: `~` is the home folder, everything else relative to the file. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type {
  Config,
  HttpConfig,
  IssuerConfig,
  NetworkConfig,
  SandboxConfig,
  SecretSource,
  StdioConfig,
  UpstreamConfig,
} from './schema.ts'

/** Fills in what depends on other members: the local authority unless TLS is given up, the audit folder inside `state`. */
export function anchor(config: Config, folder: string): Config {
  const at = (path: string) => absolute(path, folder)
  const { tls, plaintext } = config.listen
  const listener = tls ?? (plaintext === undefined ? ({ authority: 'local' } as const) : undefined)
  const state = at(config.state)
  const { log } = config.audit
  return {
    ...config,
    state,
    identity: { ...config.identity, issuers: config.identity.issuers.map((issuer) => anchorIssuer(issuer, at)) },
    listen: { ...config.listen, ...(listener === undefined ? {} : { tls: anchorTls(listener, at) }) },
    policy: { ...config.policy, files: config.policy.files.map(at) },
    upstreams: mapValues(config.upstreams, (upstream) => anchorUpstream(upstream, at)),
    audit: {
      ...config.audit,
      folder: config.audit.folder === undefined ? join(state, 'audit') : at(config.audit.folder),
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
  if (tls.certificate === undefined || tls.key === undefined) return tls
  return { certificate: { file: at(tls.certificate.file) }, key: { file: at(tls.key.file) } }
}

function anchorIssuer(issuer: IssuerConfig, at: At): IssuerConfig {
  return issuer.ca === undefined ? issuer : { ...issuer, ca: at(issuer.ca) }
}

function anchorUpstream(upstream: UpstreamConfig, at: At): UpstreamConfig {
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
    tls: http.tls.ca === undefined ? http.tls : { ca: at(http.tls.ca) },
  }
}

function anchorSecret(source: SecretSource, at: At): SecretSource {
  return source.file === undefined ? source : { file: at(source.file) }
}

function mapValues<In, Out>(record: Readonly<Record<string, In>>, change: (value: In) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}
