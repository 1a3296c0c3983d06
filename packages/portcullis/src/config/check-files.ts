/** Looks for what the configuration refers to: secrets, certificates, policies, folders, roles. A reference into nothing is a mistake. */
import { globSync } from 'node:fs'
import { checkProgram, checkSandbox } from './check-sandbox.ts'
import type { Environment } from './environment.ts'
import { checkAssertions } from './check-assertions.ts'
import { checkBackup } from './check-backup.ts'
import { checkDataProtection } from './check-data-protection.ts'
import { checkExporters } from './check-exporters.ts'
import { checkSenders } from './check-senders.ts'
import { checkSignatures } from './check-signatures.ts'
import { checkSignIn } from './check-sign-in.ts'
import { checkStore } from './check-store.ts'
import { checkTelemetry } from './check-telemetry.ts'
import { checkTenants, everyRole } from './check-tenants.ts'
import { checkTraffic } from './check-traffic.ts'
import { checkAudit } from './check-witness.ts'
import { attempt, type Finding, readable, secretProblem } from './finding.ts'
import type { Config, HttpConfig, IssuerConfig, SandboxConfig } from './schema.ts'
import { readPrivateFile, readSecret } from './secret-source.ts'

/** `config` has absolute paths. Reads secrets only to see that they can be read. */
export function checkFiles(config: Config, configFile: string, environment: Environment): readonly Finding[] {
  return [
    ...checkListener(config),
    ...checkMetrics(config, environment),
    ...checkResults(config, environment),
    ...config.identity.issuers.flatMap((_, index) => checkIssuer(config, index)),
    ...checkSenders(config, environment),
    ...checkSignatures(config, environment),
    ...checkAssertions(config),
    ...checkServer(config),
    ...checkSignIn(config, environment),
    ...checkStore(config, environment),
    ...checkTenants(config),
    ...checkExporters(config, environment),
    ...checkAudit(config, environment),
    ...config.outbound.crls.flatMap((file, index) => readable(file, ['outbound', 'crls', index], 'file')),
    ...checkTelemetry(config, environment),
    ...checkTraffic(config, environment),
    ...checkBackup(config, environment),
    ...checkDataProtection(config, environment),
    ...config.policy.files.flatMap((pattern, index) => checkPolicy(pattern, ['policy', 'files', index])),
    ...Object.keys(config.upstreams).flatMap((name) => checkUpstream(config, configFile, name, environment)),
  ]
}

function checkListener(config: Config): readonly Finding[] {
  const { certificate, key, clientCertificates } = config.listen.tls ?? {}
  const authorities = (clientCertificates?.authorities ?? []).flatMap((file, index) =>
    readable(file, ['listen', 'tls', 'clientCertificates', 'authorities', index], 'file'),
  )
  const lists = (clientCertificates?.crls ?? []).flatMap((file, index) =>
    readable(file, ['listen', 'tls', 'clientCertificates', 'crls', index], 'file'),
  )
  const bundles = Object.entries(clientCertificates?.trustBundles ?? {}).flatMap(([domain, file]) =>
    readable(file, ['listen', 'tls', 'clientCertificates', 'trustBundles', domain], 'file'),
  )
  if (certificate === undefined || key === undefined) return [...authorities, ...lists, ...bundles]
  return [
    ...authorities,
    ...lists,
    ...bundles,
    ...readable(certificate.file, ['listen', 'tls', 'certificate', 'file'], 'file'),
    ...attempt(['listen', 'tls', 'key', 'file'], () => readPrivateFile(key.file)),
  ]
}

/** A short token could be guessed: the listener of metrics does not count who tries. */
function checkMetrics({ listen }: Config, environment: Environment): readonly Finding[] {
  const source = listen.metrics?.token
  const path = ['listen', 'metrics', 'token']
  if (source === undefined) return []
  const problems = secretProblem(source, path, environment)
  if (problems.length > 0 || readSecret(source, environment).reveal().length >= MIN_TOKEN_LENGTH) return problems
  return [{ path, wrong: 'the token is too short', right: `use at least ${MIN_TOKEN_LENGTH} random characters` }]
}

const MIN_TOKEN_LENGTH = 16

/** A short canary would be found in honest texts. */
function checkResults({ inspection }: Config, environment: Environment): readonly Finding[] {
  const base = ['inspection', 'results']
  const { canaries, classifier } = inspection.results
  const secrets = canaries.flatMap((source, index): readonly Finding[] => {
    const path = [...base, 'canaries', index]
    const problems = secretProblem(source, path, environment)
    if (problems.length > 0 || readSecret(source, environment).reveal().length >= MIN_CANARY_LENGTH) return problems
    return [{ path, wrong: 'the canary is too short', right: `use at least ${MIN_CANARY_LENGTH} characters` }]
  })
  if (classifier === undefined) return secrets
  const { ca, token } = classifier
  return [
    ...secrets,
    ...(ca === undefined ? [] : readable(ca, [...base, 'classifier', 'ca'], 'file')),
    ...(token === undefined ? [] : secretProblem(token, [...base, 'classifier', 'token'], environment)),
  ]
}

const MIN_CANARY_LENGTH = 8

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

function checkUpstream(config: Config, configFile: string, name: string, environment: Environment): readonly Finding[] {
  const { stdio, http, code } = config.upstreams[name] ?? {}
  const base = ['upstreams', name]
  const walls = (sandbox: SandboxConfig, kind: string) =>
    checkSandbox(config, configFile, sandbox, [...base, kind, 'sandbox'], environment)
  if (http !== undefined) return checkHttp(http, [...base, 'http'], environment)
  if (code !== undefined) return walls(code.sandbox, 'code')
  if (stdio === undefined) return []
  return [
    ...checkProgram(stdio.command, stdio.sandbox, [...base, 'stdio', 'command']),
    ...(stdio.cwd === undefined ? [] : readable(stdio.cwd, [...base, 'stdio', 'cwd'], 'folder')),
    ...walls(stdio.sandbox, 'stdio'),
    ...Object.entries(stdio.env).flatMap(([variable, value]) =>
      typeof value === 'string' ? [] : secretProblem(value, [...base, 'stdio', 'env', variable], environment),
    ),
  ]
}

function checkHttp(http: HttpConfig, base: readonly PropertyKey[], environment: Environment): readonly Finding[] {
  const { headers, tls } = http
  return [
    ...Object.entries(headers).flatMap(([header, source]) =>
      secretProblem(source, [...base, 'headers', header], environment),
    ),
    ...(tls.ca === undefined ? [] : readable(tls.ca, [...base, 'tls', 'ca'], 'file')),
    ...tls.crls.flatMap((file, index) => readable(file, [...base, 'tls', 'crls', index], 'file')),
    ...checkAccess(http, base, environment),
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
