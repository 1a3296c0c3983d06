/** The only place that starts processes: with an explicit environment, no shell, and its own session. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { isMainThread } from 'node:worker_threads'
import { Fault } from '../core/fault.ts'
import type { DescriptorTable } from './descriptors.ts'
import type { HostIdentity } from './driver.ts'

/** Tools are looked for where only root can put them, never in a PATH. */
const TOOL_DIRECTORIES = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin']

/** The path of a tool of the host, such as `bwrap`. */
export function findTool(name: string): string | undefined {
  return TOOL_DIRECTORIES.map((directory) => `${directory}/${name}`).find(isExecutable)
}

export interface StartOptions {
  readonly environment: Readonly<Record<string, string>>
  readonly cwd: string
  readonly table: DescriptorTable
  readonly runAs?: HostIdentity | undefined
}

/** A started process with its three standard streams. */
export interface StartedChild {
  readonly process: ChildProcess
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
}

/**
 * Starts a program. Throws `sandbox.start_failed` when the kernel refuses, and outside of the main thread: the signal
 * that ends a sandbox with its gateway (PR_SET_PDEATHSIG) follows the thread, so a worker's end would kill it.
 */
export async function startChild(argv: readonly string[], options: StartOptions): Promise<StartedChild> {
  if (!isMainThread) throw new Fault('sandbox.start_failed', { reason: 'processes start from the main thread only' })
  const [program = ''] = argv
  try {
    const child = spawnChild(argv, options)
    await once(child, 'spawn')
    for (const { number, content } of options.table.contents) (child.stdio[number] as Writable).end(content)
    const { pid, stdin, stdout, stderr } = child
    if (pid === undefined || stdin === null || stdout === null || stderr === null) throw new Error('no pipes')
    return { process: child, pid, stdin, stdout, stderr }
  } catch (cause) {
    throw new Fault('sandbox.start_failed', { program, reason: (cause as Error).message }, { cause })
  } finally {
    options.table.close()
  }
}

function spawnChild([program = '', ...args]: readonly string[], options: StartOptions): ChildProcess {
  const child = spawn(program, args, {
    stdio: options.table.stdio,
    env: { ...options.environment },
    cwd: options.cwd,
    detached: true, // a Ctrl-C in the operator's terminal is for the gateway, which then stops its processes in order
    ...options.runAs,
  })
  // A closed pipe shows in the exit. There are no streams when descriptors ran out.
  for (const stream of child.stdio ?? []) stream?.on('error', () => {})
  return child
}

/**
 * Starts a program of the gateway's own that answers with the messages of Node (`process.send`), handles included. Its
 * input is a pipe that ends with the gateway, its errors are another one.
 */
export function startMessenger([program = '', ...args]: readonly string[]): ChildProcess {
  return spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe', 'ipc'], env: {}, cwd: '/', detached: true })
}

/** Signals a child and what it started, as far as that stayed in the group that the child leads. */
export function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name)
  } catch {
    // The group is empty.
  }
}

export interface ToolOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** 5 s when absent. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Of what it prints. 1 MiB when absent. */
  readonly maxBytes?: number
}

/** What a tool prints on standard output, such as its version. Rejects when it fails or takes longer. */
export async function askTool(
  program: string,
  args: readonly string[],
  { environment = {}, timeoutMs = 5_000, signal, maxBytes = 1_048_576 }: ToolOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...environment }, timeout: timeoutMs, maxBuffer: maxBytes, ...(signal && { signal }) }
    execFile(program, [...args], options, (problem, stdout) => {
      if (problem) reject(problem)
      else resolve(stdout.trim())
    })
  })
}

/**
 * Runs a tool with this input, as for a secret that no process list may show, and gives its status and what it printed.
 * Rejects when it cannot be run, prints too much, or takes over ten seconds.
 */
export async function feedTool(
  program: string,
  args: readonly string[],
  input: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  return new Promise((resolve, reject) => {
    const options = { env: environment, timeout: 10_000, maxBuffer: 262_144 }
    const child = execFile(program, [...args], options, (problem, out, err) => {
      if (problem === null) resolve({ status: 0, out, err })
      else if (typeof problem.code === 'number') resolve({ status: problem.code, out, err })
      else reject(problem)
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
