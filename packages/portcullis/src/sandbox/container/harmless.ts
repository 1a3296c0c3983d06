/** The smallest container there is, with every wall. It runs the engine's own init, so that no program of an image does. */
import type { LaunchSpec } from '../driver.ts'
import type { EngineName } from './engine.ts'

const LAUNCH: Omit<LaunchSpec, 'command' | 'args'> = {
  env: {},
  readOnly: [],
  readWrite: [],
  network: 'none',
  limits: {
    memoryBytes: 64 << 20,
    cpus: 1,
    processes: 16,
    openFiles: 64,
    fileBytes: 1 << 20,
    tmpBytes: 1 << 20,
    maxLineBytes: 4096,
    maxStderrBytes: 4096,
    stdinBacklogBytes: 4096,
    outputBytesPerSecond: 4096,
    lifeMs: 30_000,
  },
}

/** Where each engine puts the init of `--init` inside; asked for its version, it ends at once and with success. */
export const HARMLESS: Readonly<Record<EngineName, LaunchSpec>> = {
  podman: { ...LAUNCH, command: '/run/podman-init', args: ['--version'] },
  docker: { ...LAUNCH, command: '/sbin/docker-init', args: ['--version'] },
}
