/** Proves on this Mac that the profile is understood, that a program runs under it, and that one wall stands. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import type { LaunchSpec, SandboxedProcess } from '../driver.ts'

const LIMITS: LaunchSpec['limits'] = {
  memoryBytes: 64 << 20,
  processes: 16,
  openFiles: 64,
  fileBytes: 1 << 20,
  tmpBytes: 1 << 20,
  maxLineBytes: 4096,
  maxStderrBytes: 4096,
  stdinBacklogBytes: 4096,
  outputBytesPerSecond: 4096,
  lifeMs: 10_000,
}

/** Status of the shell when it has run and could not read the file. */
const HELD = 7

/** Throws `sandbox.unavailable` with the words of the host. */
export async function probeWalls(launch: (spec: LaunchSpec) => Promise<SandboxedProcess>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-probe-'))
  const decoy = join(folder, 'decoy')
  writeFileSync(decoy, 'a word\n')
  try {
    const args = ['-c', `read -r word < '${decoy}' && exit 0; exit ${HELD}`]
    const common = { env: {}, readOnly: [], readWrite: [], limits: LIMITS, network: 'none' as const }
    const { code, stderrTail } = await (await launch({ command: '/bin/sh', args, ...common })).exited
    if (code === HELD) return
    const reason = code === 0 ? 'a file that was not shown could be read' : stderrTail || `it ended with code ${code}`
    throw new Fault('sandbox.unavailable', { driver: 'seatbelt', reason })
  } finally {
    rmSync(folder, { recursive: true })
  }
}
