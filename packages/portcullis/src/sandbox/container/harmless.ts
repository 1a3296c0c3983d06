/** The smallest container there is, with every wall. It runs the engine's own init, so that no program of an image does. */
import type { LaunchSpec } from '../driver.ts'
import { PROBE_LIMITS } from '../probe-limits.ts'
import type { EngineName } from './engine.ts'

const LAUNCH: Omit<LaunchSpec, 'command' | 'args'> = {
  env: {},
  readOnly: [],
  readWrite: [],
  network: 'none',
  limits: { ...PROBE_LIMITS, cpus: 1, lifeMs: 30_000 },
}

/** Where each engine puts the init of `--init` inside; asked for its version, it ends at once and with success. */
export const HARMLESS: Readonly<Record<EngineName, LaunchSpec>> = {
  podman: { ...LAUNCH, command: '/run/podman-init', args: ['--version'] },
  docker: { ...LAUNCH, command: '/sbin/docker-init', args: ['--version'] },
}
