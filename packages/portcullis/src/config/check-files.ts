/** Looks for what the configuration refers to: secrets, certificates, policies, folders, roles. A reference into nothing is a mistake. */
import { accessSync, constants, globSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Environment } from './environment.ts'
import type { Finding } from './finding.ts'
import type { Config, HttpConfig, IssuerConfig, SecretSource } from './schema.ts'
import { checkSenders } from './check-senders.ts'
import { checkTenants, everyRole } from './check-tenants.ts'
import { readPrivateFile, readSecret, SecretError } from './secret-source.ts'

/** `config` has absolute paths. Reads secrets only to see that they can be read. */
export function checkFiles(config: Config, environment: Environment): readonly Finding[] {
  return [
    ...checkListener(config),
    ...config.identity.issuers.flatMap((_, index) => checkIssuer(config, index)),
    ...checkSenders(config, environment),
    ...checkServer(config),
    ...checkTenants(config),
    ...config.policy.files.flatMap((pattern, index) => checkPolicy(pattern, ['policy', 'files', index])),
    ...Object.keys(config.upstreams).flatMap((name) => checkUpstream(config, name, environment)),
  ]
}

/** The files that the patterns of `policy.files` name, of all and of each tenant, sorted, each once. */
export function policyFiles({ policy, tenants = {} }: Pick<Config, 'policy' | 'tenants'>): readonly string[] {
  const patterns = [policy, ...Object.values(tenants).map((tenant) => tenant.policy)].flatMap(({ files }) => files)
  return [...new Set(patterns.flatMap((pattern) => globSync(pattern)))].toSorted()
}

function checkListener(config: Config): readonly Finding[] {
  const { certificate, key, clientCertificates } = config.listen.tls ?? {}
  const authorities = (clientCertificates?.authorities ?? []).flatMap((file, index) =>
    readable(file, ['listen', 'tls', 'clientCertificates', 'authorities', index], 'file'),
  )
  if (certificate === undefined || key === undefined) return authorities
  return [
    ...authorities,
    ...readable(certificate.file, ['listen', 'tls', 'certificate', 'file'], 'file'),
    ...attempt(['listen', 'tls', 'key', 'file'], () => readPrivateFile(key.file)),
  ]
}

function checkServer({ identity }: Config): readonly Finding[] {
  const ca = identity.server?.clientDocuments.ca
  return ca === undefined ? [] : readable(ca, ['identity', 'server', 'clientDocuments', 'ca'], 'file')
}

/** Of two entries for one issuer only one could be believed, and an unknown role would silently allow nothing. */
function checkIssuer({ identity, policy, tenants }: Config, index: number): readonly Finding[] {
  const { issuers } = identity
  const { issuer, ca, everyone, roles } = issuers[index] as IssuerConfig
  const base = ['identity', 'issuers', index]
  const known = everyRole({ policy, ...(tenants && { tenants }) })
  const strangers = (names: readonly string[], path: readonly PropertyKey[]) =>
    names
      .filter((name) => !known.includes(name))
      .map((name) => ({ path, wrong: `there is no role ${name}`, right: 'list it in policy.roles, or correct it' }))
  const isSecond = issuers.findIndex((other) => other.issuer === issuer) < index
  return [
    ...(isSecond
      ? [{ path: [...base, 'issuer'], wrong: 'this issuer is listed twice', right: 'keep one of them' }]
      : []),
    ...(ca === undefined ? [] : readable(ca, [...base, 'ca'], 'file')),
    ...strangers(everyone, [...base, 'everyone']),
    ...Object.entries(roles?.map ?? {}).flatMap(([value, names]) => strangers(names, [...base, 'roles', 'map', value])),
  ]
}

function checkPolicy(pattern: string, path: readonly PropertyKey[]): readonly Finding[] {
  if (globSync(pattern).length > 0) return []
  return [{ path, wrong: `no file matches ${pattern}`, right: 'name Cedar policies that exist, or remove it' }]
}

function checkUpstream(config: Config, name: string, environment: Environment): readonly Finding[] {
  const { stdio, http } = config.upstreams[name] ?? {}
  const base = ['upstreams', name]
  const secret = (source: SecretSource, path: readonly PropertyKey[]) =>
    attempt(path, () => readSecret(source, environment))
  if (http !== undefined) {
    const { ca } = http.tls
    const headers = Object.entries(http.headers)
    return [
      ...headers.flatMap(([header, source]) => secret(source, [...base, 'http', 'headers', header])),
      ...(ca === undefined ? [] : readable(ca, [...base, 'http', 'tls', 'ca'], 'file')),
      ...checkAccess(http, [...base, 'http'], environment),
    ]
  }
  if (stdio === undefined) return []
  const { read, write } = stdio.sandbox
  return [
    ...(stdio.command.includes('/') ? readable(stdio.command, [...base, 'stdio', 'command'], 'file') : []),
    ...(stdio.cwd === undefined ? [] : readable(stdio.cwd, [...base, 'stdio', 'cwd'], 'folder')),
    ...read.flatMap((path, index) => readable(path, [...base, 'stdio', 'sandbox', 'read', index], 'any')),
    ...write.flatMap((path, index) => readable(path, [...base, 'stdio', 'sandbox', 'write', index], 'any')),
    ...write.flatMap((path, index) => holdsPolicies(config, path, [...base, 'stdio', 'sandbox', 'write', index])),
    ...Object.entries(stdio.env).flatMap(([variable, value]) =>
      typeof value === 'string' ? [] : secret(value, [...base, 'stdio', 'env', variable]),
    ),
  ]
}

function checkAccess(http: HttpConfig, base: readonly PropertyKey[], environment: Environment): readonly Finding[] {
  const each = [
    ['oauth', http.oauth?.ca, http.oauth?.client?.secret],
    ['exchange', http.exchange?.ca, http.exchange?.client.secret],
  ] as const
  return each.flatMap(([key, ca, secret]) => [
    ...(ca === undefined ? [] : readable(ca, [...base, key, 'ca'], 'file')),
    ...(secret === undefined ? [] : attempt([...base, key, 'client', 'secret'], () => readSecret(secret, environment))),
  ])
}

/** A server that could add a policy would decide for itself what it may do. */
function holdsPolicies({ policy }: Config, folder: string, path: readonly PropertyKey[]): readonly Finding[] {
  const isInside = policy.files.some((pattern) => `${dirname(pattern)}/`.startsWith(`${folder}/`))
  return isInside ? [{ path, wrong: `${folder} holds the policies`, right: 'list folders without them' }] : []
}

function readable(file: string, path: readonly PropertyKey[], kind: 'file' | 'folder' | 'any'): readonly Finding[] {
  try {
    accessSync(file, constants.R_OK)
    const facts = statSync(file)
    if (kind === 'any' || (kind === 'file' ? facts.isFile() : facts.isDirectory())) return []
    return [{ path, wrong: `${file} is not a ${kind}`, right: `name a ${kind}` }]
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException).code === 'ENOENT'
    return [
      { path, wrong: `${file} ${missing ? 'does not exist' : 'cannot be read'}`, right: 'name one that can be read' },
    ]
  }
}

function attempt(path: readonly PropertyKey[], read: () => unknown): readonly Finding[] {
  try {
    read()
    return []
  } catch (thrown) {
    if (thrown instanceof SecretError) return [{ path, wrong: thrown.wrong, right: thrown.right }]
    throw thrown
  }
}
