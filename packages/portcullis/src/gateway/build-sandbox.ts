/** Chooses the walls of each upstream, proves them on this host, and says what a host does not hold. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from '../audit/log.ts'
import { sandboxOf } from '../config/own-paths.ts'
import type { Config, SandboxConfig } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import { passingAuthority } from '../pki/passing-authority.ts'
import type { Enforcement, LaunchSpec, SandboxDriver } from '../sandbox/driver.ts'
import { demand, type Requirements, type SelectedDriver, selectDriver } from '../sandbox/select.ts'

/** A driver that has proved itself, and what it holds here. */
export interface Walls {
  readonly driver: SandboxDriver
  readonly enforces: Enforcement
}

/** By the name of the upstream. */
export type Drivers = ReadonlyMap<string, Walls>

/**
 * The walls that the upstreams stand in, each driver proved once on this host. Rejects with `sandbox.unavailable` when one
 * cannot hold what an upstream requires. No program sees what is `hidden`, whatever it was opened to.
 */
export async function selectDrivers(config: Config, hidden: readonly string[], log: Logger): Promise<Drivers> {
  const proved = new Map<string, SelectedDriver>()
  const drivers = new Map<string, Walls>()
  for (const [name, upstream] of Object.entries(config.upstreams)) {
    const sandbox = sandboxOf(upstream)
    if (sandbox === undefined) continue
    const key = driverKey(sandbox)
    const selected = proved.get(key) ?? (await prove(sandbox, hidden, log))
    proved.set(key, selected)
    const { driver, probe } = selected
    demand(driver.name, probe.enforces, requirements(sandbox))
    for (const [limit, why] of unheld(sandbox, probe.enforces))
      log.warn(why, { upstream: name, key: limit, driver: driver.name })
    drivers.set(name, { driver, enforces: probe.enforces })
  }
  return drivers
}

/** Ends what the drivers keep ready, once no process is left. Never rejects for drivers that could not be chosen. */
export async function closeDrivers(drivers: Promise<Drivers>): Promise<void> {
  const chosen = await drivers.catch(() => undefined)
  const each = new Set([...(chosen?.values() ?? [])].map(({ driver }) => driver))
  await Promise.all([...each].map(async (driver) => driver.close?.()))
}

/** Upstreams of one key share a driver. */
export function driverKey({ driver, container }: SandboxConfig): string {
  return JSON.stringify([driver, container])
}

async function prove(sandbox: SandboxConfig, hidden: readonly string[], log: Logger): Promise<SelectedDriver> {
  const { driver: name, container } = sandbox
  const selected = await selectDriver(name, { hidden, ...(container && { container }) })
  const { version, enforces } = selected.probe
  log.debug('sandbox driver chosen', { driver: name, version, enforces })
  return selected
}

/** A network that a host cannot give is never replaced by another; limits are only required where the configuration says so. */
export function requirements({ require, network }: SandboxConfig): Requirements {
  return {
    ...(require.includes('memory') && { memory: 'cgroup' as const }),
    ...(require.includes('processes') && { processes: 'cgroup' as const }),
    ...(require.includes('cpu') && { cpu: 'cgroup' as const }),
    ...(require.includes('disk') && { disk: 'hard' as const }),
    ...(network && { network: network.mode }),
  }
}

/** What the operator has set and this host cannot hold must not go unsaid; the driver `none` is among the weaknesses already. */
export function* unheld(sandbox: SandboxConfig, enforces: Enforcement): Generator<readonly [key: string, why: string]> {
  if (sandbox.driver === 'none') return
  if (enforces.memory !== 'cgroup')
    yield ['sandbox.memoryMiB', 'this host cannot limit the memory of upstream processes']
  if (enforces.processes === 'none')
    yield ['sandbox.processes', 'this host cannot limit the number of processes of upstreams']
  if (sandbox.cpus !== undefined && enforces.cpu !== 'cgroup')
    yield ['sandbox.cpus', 'this host cannot limit the processors of upstream processes']
  if (enforces.tmpFiles === 'none')
    yield ['sandbox.tmpFiles', 'this host cannot limit the number of private files of upstream processes']
  const { diskMiB, diskFiles, volumes } = sandbox
  if (diskMiB === undefined && diskFiles === undefined && volumes.length === 0) return
  if (enforces.disk === 'watched')
    yield ['sandbox.diskMiB', 'this host can only watch the disk of upstream processes, and end them a moment too late']
  if (enforces.disk === 'none') yield ['sandbox.diskMiB', 'this host cannot limit the disk of upstream processes']
}

const DAY_SECONDS = 86_400

/** What is made anew for each launch: where TLS is opened, an authority that no other sandbox trusts. */
export async function withAuthority(spec: LaunchSpec, clock: Clock): Promise<LaunchSpec> {
  const { network, limits } = spec
  if (network === 'none' || !network.allow.some(({ openTls }) => openTls === true)) return spec
  const days = Math.ceil((limits.lifeMs ?? 0) / 1_000 / DAY_SECONDS) + 1
  return { ...spec, network: { ...network, authority: await passingAuthority(days, clock) } }
}

/** Where one scope of an upstream has its volumes: a name of principals may hold anything, a folder's may not. */
export function volumeFolder(config: Config, upstream: string, scope: string): string {
  const digest = createHash('sha256').update(scope).digest('hex')
  return join(stateLayout(config).volumes, upstream, digest.slice(0, 40))
}
