/** How `portcullis doctor` attacks the drivers of a configuration on this host: at decoys only, for some seconds each. */
import { ownPaths, sandboxOf } from '../config/own-paths.ts'
import type { Config, SandboxConfig } from '../config/schema.ts'
import { driverKey, requirements } from '../gateway/build-sandbox.ts'
import { assault } from '../sandbox/assault.ts'
import { ATTACKS } from '../sandbox/attacks.ts'
import { layDecoys } from '../sandbox/decoys.ts'
import type { DriverName } from '../sandbox/driver.ts'
import { upstreamIdentity } from '../sandbox/identity.ts'
import { demand, type DriverOptions, type SelectedDriver, selectDriver } from '../sandbox/select.ts'
import { reportWalls, type WallReport } from './walls.ts'

/** One driver as the configuration spells it, with what its upstreams require. */
export interface DriverToExamine {
  readonly name: DriverName
  readonly options: DriverOptions
  readonly upstreams: ReadonlyArray<{ readonly name: string; readonly sandbox: SandboxConfig }>
}

/** Far from the slots of real upstreams, whose processes must not be counted with ours. */
const SLOT = 32_000

/** Each driver once; without a configuration, the one that everybody gets. */
export function driversOf(
  opened: { readonly file: string; readonly config: Config } | undefined,
): readonly DriverToExamine[] {
  if (opened === undefined) return [{ name: 'bubblewrap', options: {}, upstreams: [] }]
  const found = new Map<string, DriverToExamine>()
  for (const [name, upstream] of Object.entries(opened.config.upstreams)) {
    const sandbox = sandboxOf(upstream)
    if (sandbox === undefined) continue
    const { driver, container } = sandbox
    const options = { hidden: ownPaths(opened.config, opened.file), ...(container && { container }) }
    const earlier = found.get(driverKey(sandbox))?.upstreams ?? []
    found.set(driverKey(sandbox), { name: driver, options, upstreams: [...earlier, { name, sandbox }] })
  }
  return [...found.values()]
}

/** Throws `sandbox.unavailable` when the driver cannot start here, or holds less than one of its upstreams requires. */
export async function proveDriver({ name, options, upstreams }: DriverToExamine): Promise<SelectedDriver> {
  const selected = await selectDriver(name, options)
  for (const { sandbox } of upstreams) demand(name, selected.probe.enforces, requirements(sandbox))
  return selected
}

/** Runs the catalogue. Whatever a failing wall lets through meets decoys, which are removed again. */
export async function attackDriver({ driver, probe }: SelectedDriver): Promise<readonly WallReport[]> {
  const runAs = driver.name !== 'none' && process.getuid?.() === 0 ? upstreamIdentity(SLOT) : undefined
  const decoys = await layDecoys(runAs)
  try {
    const findings = await assault(ATTACKS, { driver, enforces: probe.enforces, decoys, runAs })
    return reportWalls(findings, probe.enforces)
  } finally {
    await decoys.close()
  }
}
