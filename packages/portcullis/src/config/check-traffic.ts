/** Looks whether `traffic` can do what it says: files that are there, values that mean something, prices that can be paid. */
import { isIP } from 'node:net'
import type { Environment } from './environment.ts'
import { type Finding, readable, secretProblem } from './finding.ts'
import type { Config } from './schema.ts'

type Path = readonly PropertyKey[]
type Entry = Config['traffic']['lists']['blocked'][number]

/** `config` has absolute paths. */
export function checkTraffic(config: Config, environment: Environment): readonly Finding[] {
  const { lists, redis, blocked, allowed } = config.traffic
  const base = ['traffic', 'lists']
  return [
    ...blocked.flatMap((value, index) => networkProblem(value, ['traffic', 'blocked', index])),
    ...allowed.flatMap((value, index) => networkProblem(value, ['traffic', 'allowed', index])),
    ...lists.blocked.flatMap((entry, index) => checkEntry(config, entry, [...base, 'blocked', index])),
    ...lists.allowed.flatMap((entry, index) => checkEntry(config, entry, [...base, 'allowed', index])),
    ...lists.files.flatMap(({ file, kind }, index) => [
      ...readable(file, [...base, 'files', index, 'file'], 'file'),
      ...countriesFor(config, kind, [...base, 'files', index, 'kind']),
    ]),
    ...(lists.countries === undefined ? [] : readable(lists.countries, [...base, 'countries'], 'file')),
    ...(redis?.ca === undefined ? [] : readable(redis.ca, ['traffic', 'redis', 'ca'], 'file')),
    ...(redis?.password === undefined
      ? []
      : secretProblem(redis.password, ['traffic', 'redis', 'password'], environment)),
    ...checkRates(config),
  ]
}

function checkEntry(config: Config, { kind, value, tenant }: Entry, path: Path): readonly Finding[] {
  const at = [...path, 'value']
  if (tenant !== undefined && (kind === 'address' || kind === 'country')) {
    const wrong = `an entry of the kind ${kind} cannot be of one tenant`
    return [
      { path: [...path, 'tenant'], wrong, right: 'remove tenant: who calls is not known yet where this is asked' },
    ]
  }
  if (tenant !== undefined && config.tenants !== undefined && !Object.hasOwn(config.tenants, tenant)) {
    const right = 'list it in tenants, or correct it'
    return [{ path: [...path, 'tenant'], wrong: `there is no tenant ${tenant}`, right }]
  }
  if (kind === 'address') return networkProblem(value, at)
  if (kind === 'country' && !/^[A-Za-z]{2}$/.test(value))
    return [{ path: at, wrong: `${value} is no country`, right: 'use two letters such as NL' }]
  if (kind === 'upstream') return knownUpstream(config, value, at)
  if (kind === 'tool') return knownUpstream(config, value.split('__')[0] ?? '', at)
  return countriesFor(config, kind, at)
}

/** Without the file nobody is in any country, and the entry would do nothing. */
function countriesFor({ traffic }: Config, kind: Entry['kind'], path: Path): readonly Finding[] {
  if (kind !== 'country' || traffic.lists.countries !== undefined) return []
  return [{ path, wrong: 'no file says where countries are', right: 'name one in traffic.lists.countries' }]
}

function networkProblem(value: string, path: Path): readonly Finding[] {
  const [address = '', prefix, ...more] = value.split('/')
  const bits = isIP(address) === 4 ? 32 : 128
  const isGood =
    isIP(address) !== 0 &&
    !address.includes('%') &&
    more.length === 0 &&
    (prefix === undefined || (/^(?:0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= bits))
  return isGood ? [] : [{ path, wrong: `${value} is no address or network`, right: 'write one such as 10.0.0.0/8' }]
}

function knownUpstream({ upstreams }: Config, name: string, path: Path): readonly Finding[] {
  if (Object.hasOwn(upstreams, name)) return []
  const right = `known are ${Object.keys(upstreams).join(', ') || 'none'}`
  return [{ path, wrong: `there is no upstream ${name}`, right }]
}

/** What costs more than can be saved up could never be called. */
function checkRates(config: Config): readonly Finding[] {
  const { rate } = config.traffic
  const base = ['traffic', 'rate']
  return [
    ...Object.keys(rate.upstreams).flatMap((name) => knownUpstream(config, name, [...base, 'upstreams', name])),
    ...Object.entries(rate.tools).flatMap(([name, { cost, rate: own }]) => {
      const upstream = name.split('__')[0] ?? ''
      const bursts = [
        ['traffic.rate.perPrincipal', rate.perPrincipal.burst],
        ['traffic.rate.perClient', rate.perClient?.burst],
        [`traffic.rate.upstreams.${upstream}`, rate.upstreams[upstream]?.burst],
        ['its own rate', own?.burst],
        ...Object.entries(config.tenants ?? {}).map(
          ([tenant, { limits }]) => [`tenants.${tenant}.limits.rate`, limits.rate?.burst] as const,
        ),
      ] as const
      const path = [...base, 'tools', name]
      return [
        ...knownUpstream(config, upstream, path),
        ...bursts
          .filter(([, burst]) => burst !== undefined && burst < cost)
          .map(([where]) => ({
            path: [...path, 'cost'],
            wrong: `a call would cost more than the burst of ${where}`,
            right: 'lower the cost, or raise the burst',
          })),
      ]
    }),
  ]
}
