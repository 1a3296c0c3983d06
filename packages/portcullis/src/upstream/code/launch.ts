/** The port through which a snippet is started, and what a driver of sandboxes has to be asked for. */
import type { LaunchSpec, SandboxedProcess } from '../../sandbox/driver.ts'

/** Starts one command in a sandbox of its own, which ends with it. Throws what a launch throws. */
export type RunOnce = (order: RunOrder) => Promise<OneRun>

export interface RunOrder extends SnippetCall {
  readonly command: string
  readonly args: readonly string[]
  /** Absolute path inside, one of `readWrite`. */
  readonly cwd: string
  readonly readOnly: readonly string[]
  readonly readWrite: readonly string[]
  /** From start to end. */
  readonly lifeMs: number
}

/** Whose call it is, for the audit trail. */
export interface SnippetCall {
  readonly scope: string
  /** Id of the request in the audit trail. */
  readonly incident: string | undefined
}

export type OneRun = Pick<SandboxedProcess, 'exited' | 'kill' | 'onLine'>

/** What is the same for all snippets of one upstream. */
export type SnippetWalls = Omit<LaunchSpec, 'command' | 'args' | 'cwd'>

const FEW_FILES = 20_000

/**
 * The folder of a call is on a disk of the host, so it has a limit like the private folders have, whether or not one was
 * configured.
 */
export function snippetSpec(walls: SnippetWalls, order: RunOrder): LaunchSpec {
  const { limits } = walls
  const { command, args, cwd, lifeMs } = order
  const diskBytes = limits.diskBytes ?? limits.tmpBytes
  const diskFiles = limits.diskFiles ?? limits.tmpFiles ?? FEW_FILES
  return {
    ...walls,
    ...{ command, args, cwd },
    readOnly: [...walls.readOnly, ...order.readOnly],
    readWrite: [...walls.readWrite, ...order.readWrite],
    limits: { ...limits, diskBytes, diskFiles, lifeMs },
  }
}
