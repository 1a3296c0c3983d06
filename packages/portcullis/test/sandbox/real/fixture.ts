/** What the tests on a real kernel share: a driver, and a way to collect what a process says. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ATTACK_LIMITS } from '../../../src/sandbox/attacks.ts'
import { createBubblewrapDriver } from '../../../src/sandbox/bubblewrap.ts'
import type { ExitReport, HostIdentity, LaunchSpec, SandboxedProcess } from '../../../src/sandbox/driver.ts'
import { upstreamIdentity } from '../../../src/sandbox/identity.ts'

export const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url))
export const NODE_MODULES = join(ROOT, 'node_modules')
export const isRoot = process.getuid?.() === 0
export const runAs: HostIdentity | undefined = isRoot ? upstreamIdentity(7) : undefined
export const driver = createBubblewrapDriver({ searchPath: [join(NODE_MODULES, '.bin'), '/usr/bin', '/bin'] })

/** A launch of a shell line, but for what a test sets. */
export function specOf(line: string, changes: Partial<LaunchSpec> = {}): LaunchSpec {
  return {
    command: '/bin/sh',
    args: ['-c', line],
    env: {},
    readOnly: [],
    readWrite: [],
    limits: { ...ATTACK_LIMITS, tmpFiles: 2000 }, // as every configured upstream has
    network: 'none',
    ...(runAs === undefined ? {} : { runAs }),
    ...changes,
  }
}

export interface Outcome extends ExitReport {
  readonly lines: readonly string[]
}

export async function outcomeOf(confined: SandboxedProcess): Promise<Outcome> {
  const lines: string[] = []
  confined.onLine((line) => lines.push(line.toString('utf8')))
  return { ...(await confined.exited), lines }
}

export const run = async (spec: LaunchSpec): Promise<Outcome> => outcomeOf(await driver.launch(spec))

/** Process ids on this host whose command line contains `text`. */
export function processesWith(text: string): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && commandLineOf(pid).includes(text))
}

export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** Waits for a condition that must come; the test's own time limit ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5)
}
