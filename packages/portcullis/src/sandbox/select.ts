/** Turns the configured name of a driver into one that has proved itself on this host, or refuses. There is no fallback. */
import { Fault } from '../core/fault.ts'
import { type BubblewrapOptions, createBubblewrapDriver } from './bubblewrap.ts'
import type { DriverName, Probe, SandboxDriver } from './driver.ts'
import { createUnconfinedDriver } from './unconfined.ts'

export interface SelectedDriver {
  readonly driver: SandboxDriver
  readonly probe: Extract<Probe, { ok: true }>
}

/** What must hold for a whole process tree; anything weaker refuses the host. */
export interface Requirements {
  readonly memory?: 'cgroup'
  readonly processes?: 'cgroup'
}

/**
 * Throws `sandbox.unavailable` with `detail.driver`, `detail.reason` (the host's own error) and `detail.mend`.
 * `none` is never reached but by its name.
 */
export async function selectDriver(
  name: DriverName,
  options: BubblewrapOptions = {},
  requirements: Requirements = {},
): Promise<SelectedDriver> {
  const driver = createDriver(name, options)
  const probe = await driver.probe()
  if (!probe.ok) throw unavailable(name, probe.reason, probe.mend)
  for (const quantity of ['memory', 'processes'] as const) {
    if (requirements[quantity] === undefined || probe.enforces[quantity] === 'cgroup') continue
    throw unavailable(
      name,
      `${quantity} of a process tree cannot be limited here`,
      'let the gateway make control groups',
    )
  }
  return { driver, probe }
}

function createDriver(name: DriverName, options: BubblewrapOptions): SandboxDriver {
  if (name === 'bubblewrap') return createBubblewrapDriver(options)
  if (name === 'none') return createUnconfinedDriver(options)
  throw unavailable(name, 'there is no such driver', 'use bubblewrap, or none')
}

function unavailable(driver: string, reason: string, mend: string): Fault {
  return new Fault('sandbox.unavailable', { driver, reason, mend })
}
