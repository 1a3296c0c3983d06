/** Turns the configured name of a driver into one that has proved itself on this host, or refuses. There is no fallback. */
import { Fault } from '../core/fault.ts'
import { type BubblewrapOptions, createBubblewrapDriver } from './bubblewrap.ts'
import type { ContainerOptions } from './container/container.ts'
import type { DriverName, Enforcement, Probe, SandboxDriver } from './driver.ts'
import { readHostFacts } from './host-facts.ts'
import { suggestMend } from './mend.ts'
import { createUnconfinedDriver } from './unconfined.ts'

export interface SelectedDriver {
  readonly driver: SandboxDriver
  readonly probe: Extract<Probe, { ok: true }>
}

/** What must hold for a whole process tree; anything weaker refuses the host. */
export interface Requirements {
  readonly memory?: 'cgroup'
  readonly processes?: 'cgroup'
  readonly cpu?: 'cgroup'
  readonly disk?: 'hard'
  readonly network?: 'explicit' | 'transparent'
}

export interface DriverOptions extends BubblewrapOptions {
  /** Of the driver `container` only. */
  readonly container?: Pick<ContainerOptions, 'engine' | 'image' | 'runtime'>
}

/**
 * Throws `sandbox.unavailable` with `detail.driver`, `detail.reason` (the host's own error) and `detail.mend`.
 * `none` is never reached but by its name.
 */
export async function selectDriver(
  name: DriverName,
  options: DriverOptions = {},
  requirements: Requirements = {},
): Promise<SelectedDriver> {
  const driver = await createDriver(name, options)
  const probe = await driver.probe()
  if (!probe.ok) throw unavailable(name, probe.reason, probe.mend)
  demand(name, probe.enforces, requirements)
  return { driver, probe }
}

/** Throws `sandbox.unavailable` when a driver that has proved itself still holds less than is required. */
export function demand(name: DriverName, enforces: Enforcement, requirements: Requirements): void {
  for (const quantity of ['memory', 'processes', 'cpu', 'disk'] as const) {
    const required = requirements[quantity]
    if (required === undefined || enforces[quantity] === required) continue
    throw unavailable(name, `${quantity} of a process tree cannot be limited here`, REMEDIES[name][quantity])
  }
  const { network } = requirements
  if (network === undefined || enforces.network.includes(network)) return
  const reason = enforces.networkReason ?? `this driver gives no ${network} network here`
  throw unavailable(name, reason, suggestMend(reason, readHostFacts()))
}

type Remedies = Readonly<Record<'memory' | 'processes' | 'cpu' | 'disk', string>>

const GROUPS = 'let the gateway make control groups: run it as root, or as a systemd service with Delegate=yes'
const ENGINE = 'use version 2 of control groups, or an engine that runs as root'
const ANOTHER = 'use the driver bubblewrap on Linux'
const VOLUMES = 'use bubblewrap and run the gateway as root, so that it can mount file systems of a fixed size'

const REMEDIES: Readonly<Record<DriverName, Remedies>> = {
  bubblewrap: { memory: GROUPS, processes: GROUPS, cpu: GROUPS, disk: VOLUMES },
  container: { memory: ENGINE, processes: ENGINE, cpu: ENGINE, disk: VOLUMES },
  seatbelt: { memory: ANOTHER, processes: ANOTHER, cpu: ANOTHER, disk: VOLUMES },
  none: { memory: ANOTHER, processes: ANOTHER, cpu: ANOTHER, disk: VOLUMES },
}

/** The rarer drivers are loaded by those who chose them. */
async function createDriver(name: DriverName, options: DriverOptions): Promise<SandboxDriver> {
  const { container } = options
  if (name === 'bubblewrap') return createBubblewrapDriver(options)
  if (name === 'container') {
    if (container === undefined) throw unavailable(name, 'the image is not named', 'set container.image')
    const { createContainerDriver } = await import('./container/container.ts')
    return createContainerDriver({ ...options, ...container })
  }
  if (name === 'seatbelt') {
    const { createSeatbeltDriver } = await import('./seatbelt/seatbelt.ts')
    return createSeatbeltDriver(options)
  }
  if (name === 'none') return createUnconfinedDriver(options)
  throw unavailable(name, 'there is no such driver', 'use bubblewrap, or none')
}

function unavailable(driver: string, reason: string, mend: string): Fault {
  return new Fault('sandbox.unavailable', { driver, reason, mend })
}
