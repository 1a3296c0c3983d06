/** Looks for what identity assertions and audiences by path refer to. A reference into nothing is a mistake. */
import { everyRole } from './check-tenants.ts'
import { type Finding, readable } from './finding.ts'
import type { AssertionConfig, Config } from './schema.ts'
import { ADMINISTRATION_SCOPES } from '../core/route.ts'

type Path = readonly PropertyKey[]

/** `config` has absolute paths. */
export function checkAssertions(config: Config): readonly Finding[] {
  const { issuers = [] } = config.identity.server?.assertions ?? {}
  const base = ['identity', 'server', 'assertions', 'issuers']
  return [
    ...checkAudiences(config),
    ...issuers.flatMap((issuer, index) => checkIssuer(config, issuer, [...base, index])),
    ...issuers.flatMap(({ issuer }, index) =>
      issuers.findIndex((other) => other.issuer === issuer) < index
        ? [{ path: [...base, index, 'issuer'], wrong: 'this issuer is listed twice', right: 'keep one of them' }]
        : [],
    ),
  ]
}

function checkAudiences({ identity, upstreams }: Config): readonly Finding[] {
  return identity.issuers.flatMap(({ audiences }, index) => {
    if (audiences === undefined || !('upstreams' in audiences)) return []
    return Object.keys(audiences.upstreams)
      .filter((name) => !Object.hasOwn(upstreams, name))
      .map((name) => ({
        path: ['identity', 'issuers', index, 'audiences', 'upstreams', name],
        wrong: `there is no upstream ${name}`,
        right: 'add it, or correct it',
      }))
  })
}

function checkIssuer(
  config: Config,
  { everyone, roles, scopes = [], ca }: AssertionConfig['issuers'][number],
  base: Path,
): readonly Finding[] {
  const knownRoles = everyRole(config)
  const unknownRoles = (names: readonly string[], path: Path): readonly Finding[] =>
    names
      .filter((name) => !knownRoles.includes(name))
      .map((name) => ({ path, wrong: `there is no role ${name}`, right: 'list it in policy.roles, or correct it' }))
  const known = new Set([
    ...Object.keys(config.identity.server?.scopes ?? {}),
    ...Object.keys(config.identity.scopes),
    ...ADMINISTRATION_SCOPES,
  ])
  return [
    ...(ca === undefined ? [] : readable(ca, [...base, 'ca'], 'file')),
    ...unknownRoles(everyone, [...base, 'everyone']),
    ...Object.entries(roles?.map ?? {}).flatMap(([value, names]) =>
      unknownRoles(names, [...base, 'roles', 'map', value]),
    ),
    ...scopes.flatMap((scope, index) =>
      known.has(scope)
        ? []
        : [
            {
              path: [...base, 'scopes', index],
              wrong: `there is no scope ${scope}`,
              right: `known are ${[...known].join(', ')}`,
            },
          ],
    ),
  ]
}
