/** Looks whether every tenant that is named exists, and whether what it is given does: upstreams, policies, roles. */
import { globSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Finding } from './finding.ts'
import type { Config, TenantConfig } from './schema.ts'

type Path = readonly PropertyKey[]

/** `config` has absolute paths. Nothing is looked for where no tenants are configured: then any name will do. */
export function checkTenants(config: Config): readonly Finding[] {
  const { tenants } = config
  if (tenants === undefined) return []
  return [
    ...Object.entries(tenants).flatMap(([name, tenant]) => checkTenant(config, tenant, ['tenants', name])),
    ...namedTenants(config)
      .filter(([name]) => !Object.hasOwn(tenants, name))
      .map(([name, path]) => ({
        path,
        wrong: `there is no tenant ${name}`,
        right: 'list it in tenants, or correct it',
      })),
  ]
}

function checkTenant(config: Config, { upstreams, policy }: TenantConfig, base: Path): readonly Finding[] {
  return [
    ...upstreams.flatMap((name, index) =>
      Object.hasOwn(config.upstreams, name)
        ? []
        : [
            {
              path: [...base, 'upstreams', index],
              wrong: `there is no upstream ${name}`,
              right: `known are ${Object.keys(config.upstreams).join(', ') || 'none'}`,
            },
          ],
    ),
    ...policy.files.flatMap((pattern, index) => [
      ...checkPattern(pattern, [...base, 'policy', 'files', index]),
      ...checkReach(config, pattern, [...base, 'policy', 'files', index]),
    ]),
  ]
}

function checkPattern(pattern: string, path: Path): readonly Finding[] {
  if (globSync(pattern).length > 0) return []
  return [{ path, wrong: `no file matches ${pattern}`, right: 'name Cedar policies that exist, or remove it' }]
}

/** A server that could add a policy would decide for itself what it may do. */
function checkReach({ upstreams }: Config, pattern: string, path: Path): readonly Finding[] {
  const writable = Object.values(upstreams).flatMap(({ stdio }) => stdio?.sandbox.write ?? [])
  const folder = writable.find((one) => `${dirname(pattern)}/`.startsWith(`${one}/`))
  if (folder === undefined) return []
  return [{ path, wrong: `an upstream can write into ${folder}`, right: 'keep policies where no upstream can write' }]
}

/** Where credentials are given a tenant. Keys are given theirs by the command that makes them. */
function namedTenants({ identity, administration }: Config): readonly (readonly [string, Path])[] {
  return [
    ...(administration.tenant === undefined
      ? []
      : [[administration.tenant, ['administration', 'tenant']] as const satisfies readonly [string, Path]]),
    ...identity.issuers.flatMap(({ tenant }, index): readonly (readonly [string, Path])[] => {
      const base = ['identity', 'issuers', index, 'tenant']
      if (typeof tenant === 'string') return [[tenant, base]]
      return Object.entries(tenant.map).map(([value, name]) => [name, [...base, 'map', value]])
    }),
    ...(identity.server?.assertions?.issuers ?? []).flatMap(
      ({ tenant }, index): readonly (readonly [string, Path])[] => {
        const base = ['identity', 'server', 'assertions', 'issuers', index, 'tenant']
        if (typeof tenant === 'string') return [[tenant, base]]
        return Object.entries(tenant.map).map(([value, name]) => [name, [...base, 'map', value]])
      },
    ),
    ...(identity.server?.providers ?? []).flatMap(({ tenant }, index): readonly (readonly [string, Path])[] => {
      const base = ['identity', 'server', 'providers', index, 'tenant']
      if (typeof tenant === 'string') return [[tenant, base]]
      return Object.entries(tenant.map).map(([value, name]) => [name, [...base, 'map', value]])
    }),
    ...identity.certificates.map(
      ({ tenant }, index) => [tenant, ['identity', 'certificates', index, 'tenant']] as const,
    ),
  ]
}

/** Every role that is known anywhere. */
export function everyRole({ policy, tenants = {} }: Pick<Config, 'policy' | 'tenants'>): readonly string[] {
  return [...policy.roles, ...Object.values(tenants).flatMap((tenant) => tenant.policy.roles)]
}

/** The roles that a principal of this tenant can have: those of all, and its own. */
export function rolesOf({ policy, tenants }: Pick<Config, 'policy' | 'tenants'>, tenant: string): readonly string[] {
  return [...policy.roles, ...(tenants?.[tenant]?.policy.roles ?? [])]
}

/** The upstreams that exist for this tenant. */
export function upstreamsOf(
  { upstreams, tenants }: Pick<Config, 'upstreams' | 'tenants'>,
  tenant: string,
): readonly string[] {
  return tenants === undefined ? Object.keys(upstreams) : (tenants[tenant]?.upstreams ?? [])
}
