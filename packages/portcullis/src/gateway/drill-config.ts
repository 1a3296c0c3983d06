/**
 * Decides how a gateway that was put back for a drill differs from the real one: it listens on loopback alone, sends nothing to
 * anybody, and starts no upstream unless that was asked for. Policies, tenants, limits, store and chains are the real ones.
 */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { isWithin } from '../config/own-paths.ts'
import { readShape } from '../config/read-shape.ts'
import type { Config } from '../config/schema.ts'
import type { Contents } from '../data-protection/backup/contents.ts'
import type { RestoreTarget } from './restore-target.ts'

type Plain = Record<string, unknown>

/** The PostgreSQL in which the copy is tried. */
export interface DrillDatabase {
  readonly kind: 'postgres'
  readonly url: string
  readonly socket: string
  readonly username: string
}

/** What reaches out, or needs secrets that are not in a backup. */
const LEFT_OUT = ['exporters', 'telemetry', 'dataProtection', 'identity', 'backup', 'anomalies'] as const

/** Throws ConfigError when what was restored is no configuration. */
export function drillConfig(
  contents: Contents,
  target: RestoreTarget,
  withUpstreams: boolean,
  database?: DrillDatabase,
): Config {
  const file = join(target.home, contents.config)
  const shape = readShape(readFileSync(file, 'utf8'), file, (value) => quieten(value, withUpstreams, database))
  const moved = mover(contents, target)
  const policy = { ...shape.policy, files: shape.policy.files.map(moved) }
  const tenants = Object.entries(shape.tenants ?? {}).map(([name, tenant]) => {
    const files = tenant.policy.files.map(moved)
    return [name, { ...tenant, policy: { ...tenant.policy, files } }] as const
  })
  return {
    ...shape,
    ...{ policy, state: target.state, audit: { ...shape.audit, folder: target.audit } },
    definitions: { ...shape.definitions, lock: moved(shape.definitions.lock) },
    ...(shape.tenants && { tenants: Object.fromEntries(tenants) }),
  }
}

function quieten(value: Plain, withUpstreams: boolean, database: DrillDatabase | undefined): void {
  for (const name of LEFT_OUT) delete value[name]
  value['listen'] = { host: '127.0.0.1', port: 0, plaintext: 'loopback-only' }
  if (isPlain(value['audit'])) value['audit'] = { ...value['audit'], witness: {}, log: {} }
  if (isPlain(value['traffic'])) value['traffic'] = without(value['traffic'], 'redis', 'lists')
  // Nothing of a drill may reach what the real gateways share.
  if (isPlain(value['store']) && value['store']['kind'] === 'postgres') value['store'] = database ?? { kind: 'sqlite' }
  const { inspection, upstreams } = value
  if (isPlain(inspection) && isPlain(inspection['results']))
    value['inspection'] = { ...inspection, results: without(inspection['results'], 'classifier', 'canaries') }
  if (isPlain(upstreams) && !withUpstreams)
    value['upstreams'] = Object.fromEntries(Object.entries(upstreams).map(([name, one]) => [name, unreachable(one)]))
}

/** It keeps its name, by which policies and tenants know it, and what it last said is in the state folder. Nobody listens at port 1. */
function unreachable(upstream: unknown): unknown {
  if (!isPlain(upstream) || upstream['code'] !== undefined) return upstream
  const { trust } = upstream
  return { ...(trust !== undefined && { trust }), http: { url: 'http://127.0.0.1:1/mcp', plaintext: 'loopback-only' } }
}

const without = (value: Plain, ...names: readonly string[]): Plain =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)))

const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Where a path of the configuration is now. */
function mover({ roots }: Contents, { home, elsewhere = '/' }: RestoreTarget): (path: string) => string {
  return (path) => {
    if (isWithin(path, home)) return path
    return isWithin(path, roots.home) ? join(home, relative(roots.home, path)) : join(elsewhere, path)
  }
}
