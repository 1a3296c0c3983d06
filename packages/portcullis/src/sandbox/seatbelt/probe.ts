/** Proves on this Mac that the profile is understood, that a program runs under it, and that one wall stands. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import type { LaunchSpec, SandboxedProcess } from '../driver.ts'
import { PROBE_LIMITS } from '../probe-limits.ts'

/** Status of the shell when it has run and could not read the file. */
const HELD = 7

/** Throws `sandbox.unavailable` with the words of the host. */
export async function probeWalls(launch: (spec: LaunchSpec) => Promise<SandboxedProcess>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-probe-'))
  const decoy = join(folder, 'decoy')
  writeFileSync(decoy, 'a word\n')
  try {
    const args = ['-c', `read -r word < '${decoy}' && exit 0; exit ${HELD}`]
    const common = { env: {}, readOnly: [], readWrite: [], limits: PROBE_LIMITS, network: 'none' as const }
    const { code, stderrTail } = await (await launch({ command: '/bin/sh', args, ...common })).exited
    if (code === HELD) return
    const reason = code === 0 ? 'a file that was not shown could be read' : stderrTail || `it ended with code ${code}`
    throw new Fault('sandbox.unavailable', { driver: 'seatbelt', reason })
  } finally {
    rmSync(folder, { recursive: true })
  }
}
