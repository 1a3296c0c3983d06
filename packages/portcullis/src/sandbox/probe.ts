/** Finds out whether this host can hold a sandbox, by making one. */
import { Fault } from '../core/fault.ts'
import { askTool } from './child.ts'
import type { Enforcement, LaunchSpec, Probe, SandboxedProcess } from './driver.ts'
import { readHostFacts } from './host-facts.ts'
import { suggestMend } from './mend.ts'
import { PROBE_LIMITS } from './probe-limits.ts'

export interface ProbeParts {
  readonly find: (name: string) => string | undefined
  readonly launch: (spec: LaunchSpec) => Promise<SandboxedProcess>
  readonly enforces: () => Promise<Enforcement>
}

const NEEDED = '--ro-bind-fd'

/** The smallest launch there is, with every wall. */
const HARMLESS: LaunchSpec = {
  command: '/bin/sh',
  args: ['-c', 'exit 0'],
  env: {},
  readOnly: [],
  readWrite: [],
  limits: PROBE_LIMITS,
  network: 'none',
}

/** Never throws: every problem is an answer. */
export async function probeWith(parts: ProbeParts): Promise<Probe> {
  try {
    const confined = await parts.launch(HARMLESS)
    const { code, reason, stderrTail } = await confined.exited
    if (code !== 0 || reason !== 'exited')
      return refused(stderrTail || `the sandbox ended with ${reason}, code ${code}`)
    const bwrap = parts.find('bwrap') ?? ''
    // The smallest launch has no path to bind; one that has would fail later.
    if (!(await askTool(bwrap, ['--help'])).includes(NEEDED)) return refused(`this bwrap knows no ${NEEDED}`)
    const banner = await askTool(bwrap, ['--version'])
    return { ok: true, version: banner.replace(/^bubblewrap /, ''), enforces: await parts.enforces() }
  } catch (problem) {
    const detail = problem instanceof Fault ? problem.detail['reason'] : (problem as Error).message
    return refused(String(detail))
  }
}

function refused(reason: string): Probe {
  return { ok: false, reason, mend: suggestMend(reason, readHostFacts()) }
}
