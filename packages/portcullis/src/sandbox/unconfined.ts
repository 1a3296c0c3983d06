/**
 * The driver `none`: no walls. For hosts without a sandbox and upstreams that are trusted like the gateway itself.
 *
 * What costs nothing is kept: the listed environment only, limits of each process, no new privileges, an end with the
 * gateway. `readOnly`, `readWrite`, `network`, `tmpBytes`, `memoryBytes` and `processes` are not enforced.
 */
import { findTool, signalGroup, type StartedChild, startChild } from './child.ts'
import { closeInheritedDescriptors, DescriptorTable } from './descriptors.ts'
import type { Enforcement, LaunchSpec, SandboxDriver, SandboxedProcess } from './driver.ts'
import { buildEnvironment } from './environment.ts'
import { generalLimits } from './limits.ts'
import { ConfinedProcess, type ProcessTree } from './process.ts'
import { DEFAULT_SEARCH_PATH, resolveRuntime } from './runtime.ts'
import { treeMeter } from './tree-usage.ts'

/** The private home of the sandbox does not exist here, and the gateway's own is not shown; list HOME to give one. */
const NO_HOME = '/nonexistent'

const NOTHING: Enforcement = { memory: 'none', processes: 'none', cpu: 'none', disk: 'none', network: [] }

export interface UnconfinedOptions {
  /** Directories for commands that are given by a bare name. */
  readonly searchPath?: readonly string[]
}

export function createUnconfinedDriver(options: UnconfinedOptions = {}): SandboxDriver {
  const searchPath = options.searchPath ?? DEFAULT_SEARCH_PATH

  const launch = async (spec: LaunchSpec): Promise<SandboxedProcess> => {
    closeInheritedDescriptors()
    const runtime = resolveRuntime(spec.command, searchPath)
    const environment = buildEnvironment(spec.env, { home: NO_HOME, pathDirectories: runtime.pathDirectories })
    const argv = [...wrappers(spec), runtime.program, ...runtime.leading, ...spec.args]
    const child = await startChild(argv, {
      environment: Object.fromEntries(environment),
      cwd: spec.cwd ?? '/',
      table: new DescriptorTable(),
    })
    return new ConfinedProcess(
      child,
      groupOf(child),
      spec.limits,
      [treeMeter(Promise.resolve(child.pid))],
      spec.onAccess,
    )
  }

  return {
    name: 'none',
    launch,
    probe: async () => ({ ok: true, version: 'none', enforces: NOTHING }),
  }
}

/** RLIMIT_NPROC would count every process of the user, so it is left alone. Each tool is used where the host has it. */
function wrappers(spec: LaunchSpec): readonly string[] {
  const setpriv = findTool('setpriv')
  const prlimit = findTool('prlimit')
  return [
    ...(setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--no-new-privs', '--']),
    ...(prlimit === undefined ? [] : [prlimit, ...generalLimits(spec.limits), '--']),
  ]
}

/** The child leads a process group; a descendant that starts its own session gets away, which only a sandbox prevents. */
function groupOf({ pid }: StartedChild): ProcessTree {
  return {
    terminate: () => signalGroup(pid, 'SIGTERM'),
    kill: () => signalGroup(pid, 'SIGKILL'),
    conclude: async () => {
      signalGroup(pid, 'SIGKILL')
      return 'exited'
    },
  }
}
