/** Looks for what scopes, introspection, certificates and binding refer to. A reference into nothing is a mistake. */
import { everyRole } from './check-tenants.ts'
import type { Environment } from './environment.ts'
import type { Finding } from './finding.ts'
import type { Config } from './schema.ts'
import { ADMINISTRATION_SCOPES } from '../core/route.ts'
import { readSecret, SecretError } from './secret-source.ts'

type Path = readonly PropertyKey[]

/** `config` has absolute paths. Reads secrets only to see that they can be read. */
export function checkSenders(config: Config, environment: Environment): readonly Finding[] {
  return [
    ...checkIntrospection(config, environment),
    ...checkScopes(config),
    ...checkCertificates(config),
    ...roles(config, config.identity.senderConstrained.roles, ['identity', 'senderConstrained', 'roles']),
  ]
}

/** An opaque token does not say whose it is, and to ask the wrong issuer is to give it away. */
function checkIntrospection({ identity }: Config, environment: Environment): readonly Finding[] {
  const asked = identity.issuers.flatMap(({ introspection }, index) =>
    introspection === undefined ? [] : [{ secret: introspection.secret, path: ['identity', 'issuers', index] }],
  )
  const second = asked.slice(1).map(({ path }) => ({
    path: [...path, 'introspection'],
    wrong: 'two issuers are asked about opaque tokens',
    right: 'keep it for one issuer',
  }))
  const secrets = asked.flatMap(({ secret, path }): readonly Finding[] => {
    try {
      readSecret(secret, environment)
      return []
    } catch (thrown) {
      if (!(thrown instanceof SecretError)) throw thrown
      return [{ path: [...path, 'introspection', 'secret'], wrong: thrown.wrong, right: thrown.right }]
    }
  })
  return [...second, ...secrets]
}

function checkScopes(config: Config): readonly Finding[] {
  const { scopes } = config.identity
  return Object.entries(scopes).flatMap(([scope, { includes, upstreams, tools }]) => {
    const base = ['identity', 'scopes', scope]
    return [
      ...includes.flatMap((one, index) =>
        Object.hasOwn(scopes, one) || ADMINISTRATION_SCOPES.some((own) => own === one)
          ? []
          : [{ path: [...base, 'includes', index], wrong: `there is no scope ${one}`, right: 'add it, or correct it' }],
      ),
      ...upstreams.flatMap((one, index) => upstream(config, one, [...base, 'upstreams', index])),
      ...tools.flatMap((one, index) => upstream(config, one.slice(0, one.indexOf('/')), [...base, 'tools', index])),
    ]
  })
}

function checkCertificates(config: Config): readonly Finding[] {
  const { certificates } = config.identity
  const authorities = config.listen.tls?.clientCertificates?.authorities
  const asked = authorities !== undefined || certificates.length === 0
  const path = ['identity', 'certificates']
  return [
    ...(asked
      ? []
      : [{ path, wrong: 'clients are not asked for certificates', right: 'add listen.tls.clientCertificates' }]),
    ...certificates.flatMap((rule, index) => [
      ...roles(config, rule.roles, [...path, index, 'roles']),
      ...authority(rule.authority, authorities ?? [], [...path, index, 'authority']),
      ...vouching(config, rule.uri, rule.authority, [...path, index]),
      ...(rule.upstreams ?? []).flatMap((one, at) => upstream(config, one, [...path, index, 'upstreams', at])),
    ]),
  ]
}

/** Whose authorities vouch for a name has to be known: those of its bundle, or those that are listed. */
function vouching(
  { listen }: Config,
  uri: string | undefined,
  file: string | undefined,
  path: Path,
): readonly Finding[] {
  const { authorities = [], trustBundles = {} } = listen.tls?.clientCertificates ?? {}
  const domain = uri === undefined ? undefined : /^spiffe:\/\/([^/]*)/.exec(uri)?.[1]
  const hasBundle = domain !== undefined && Object.hasOwn(trustBundles, domain)
  if (hasBundle && file !== undefined) {
    const right = 'leave authority out, or the bundle'
    return [{ path: [...path, 'authority'], wrong: `the bundle of ${domain} says already who vouches for it`, right }]
  }
  if (hasBundle || authorities.length > 0 || listen.tls?.clientCertificates === undefined) return []
  const right = 'add authorities, or a trust bundle for it'
  return [{ path, wrong: 'no authority may vouch for this name', right }]
}

function authority(file: string | undefined, listed: readonly string[], path: Path): readonly Finding[] {
  if (file === undefined || listed.includes(file)) return []
  const right = 'name one of listen.tls.clientCertificates.authorities'
  return [{ path, wrong: `${file} is not among the authorities of clients`, right }]
}

function upstream({ upstreams }: Config, name: string, path: Path): readonly Finding[] {
  if (Object.hasOwn(upstreams, name)) return []
  return [{ path, wrong: `there is no upstream ${name}`, right: 'add it, or correct it' }]
}

/** An unknown role would silently demand, or allow, nothing. */
function roles(config: Config, names: readonly string[], path: Path): readonly Finding[] {
  const known = everyRole(config)
  return names
    .filter((name) => !known.includes(name))
    .map((name) => ({ path, wrong: `there is no role ${name}`, right: 'list it in policy.roles, or correct it' }))
}
