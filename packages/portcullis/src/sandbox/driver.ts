/** The port between the gateway and whatever confines a command: every driver offers exactly this. */
import type { Secret } from '../core/secret.ts'
import type { NetworkAccess, OnAccess, Usage } from './access.ts'

/**
 * `bubblewrap` and `container` confine, `seatbelt` does so with reduced walls, `none` does not. A driver is only ever
 * chosen by its name.
 */
export type DriverName = 'bubblewrap' | 'container' | 'seatbelt' | 'none'

export interface SandboxDriver {
  readonly name: DriverName
  /** Starts a harmless command with the flags of a real launch and says whether this host can hold it. Never throws. */
  probe(): Promise<Probe>
  /**
   * Starts a command. Resolves once every limit is in force and the command may run.
   * Throws `sandbox.start_failed` with `detail.reason` when it cannot be started as asked; nothing then runs.
   */
  launch(spec: LaunchSpec): Promise<SandboxedProcess>
  /** Gives up what is kept ready for launches. Without it, that ends with the gateway. */
  close?(): Promise<void>
}

export type Probe =
  | {
      readonly ok: true
      /** Version of the confining program, such as `0.8.0`. */
      readonly version: string
      readonly enforces: Enforcement
    }
  | {
      readonly ok: false
      /** The exact error of this host. */
      readonly reason: string
      /** The command or the setting that mends it. */
      readonly mend: string
    }

/** What holds the limits of a whole process tree. `per-process` means that the sum over the tree is not bounded. */
export interface Enforcement {
  readonly memory: 'cgroup' | 'per-process' | 'none'
  readonly processes: 'cgroup' | 'rlimit' | 'none'
  /** Share of the processors over the whole tree. */
  readonly cpu: 'cgroup' | 'none'
  /** `hard`: the file system itself ends at the limit. `watched`: measured, and the tree is killed, a moment too late. */
  readonly disk: 'hard' | 'watched' | 'none'
  /** Whether `Limits.tmpFiles` holds; otherwise the files count as memory only. */
  readonly tmpFiles?: 'hard' | 'none'
  readonly network: readonly ('explicit' | 'transparent')[]
  /** The host's own words about what `network` lacks; `suggestMend` turns them into a remedy. */
  readonly networkReason?: string
  /** Fewer walls than the other drivers that confine: processes of the host are visible, and nothing ends a whole tree. */
  readonly walls?: 'reduced'
}

export interface LaunchSpec {
  /** An absolute path, or a bare name that is looked up in the driver's search path. Never a shell line. */
  readonly command: string
  readonly args: readonly string[]
  /** The whole environment, but for PATH, HOME, TMPDIR, LANG and USER, which have fixed values unless listed here. */
  readonly env: Readonly<Record<string, string | Secret>>
  /** Absolute path inside; default: the empty home directory. */
  readonly cwd?: string
  /** Absolute paths of files and directories to show. They appear under the same path. */
  readonly readOnly: readonly string[]
  readonly readWrite: readonly string[]
  /** File systems of its own that outlive it. */
  readonly volumes?: readonly VolumeSpec[]
  readonly limits: Limits
  /** The host account of the processes when the gateway is root; see `identity.ts`. */
  readonly runAs?: HostIdentity
  readonly network: 'none' | NetworkAccess
  /** Hears of every access that the walls let us see. Must not throw. */
  readonly onAccess?: OnAccess
}

/**
 * A writable folder with a size. Where `Enforcement.disk` is `hard` it is a file system that ends there; elsewhere it is
 * a folder that is watched like one of `readWrite`. Used by one process tree at a time.
 */
export interface VolumeSpec {
  /** Folder of the gateway for the volumes of one upstream and scope, absolute; made when it is missing. */
  readonly folder: string
  /** Lower case letters, digits and hyphens, at most 63. */
  readonly name: string
  /** Where it appears inside, absolute. */
  readonly at: string
  /** Of the file system, its own tables included. It may grow from launch to launch; less than before is refused. */
  readonly bytes: number
  /** Files and folders. */
  readonly files: number
}

export interface HostIdentity {
  readonly uid: number
  readonly gid: number
}

export interface Limits {
  /** Of the whole tree, private file systems included; held where `Enforcement.memory` is `cgroup`. */
  readonly memoryBytes: number
  /** RLIMIT_DATA of each process. Node 24 needs more than 512 MiB, so there is no default. */
  readonly dataBytes?: number
  /** Processors that the whole tree may use at a time, such as 0.5; undefined: all. */
  readonly cpus?: number
  /** Threads count as processes; Node alone has about 12. */
  readonly processes: number
  /** RLIMIT_NPROC; undefined: `processes`. More where a control group counts, which tells whom it refused. */
  readonly accountProcesses?: number
  readonly openFiles: number
  /** Largest file that may be written. */
  readonly fileBytes: number
  /** Size of each of the two private writable file systems, `/tmp` and the home directory. */
  readonly tmpBytes: number
  /** Files and folders in each of the two; undefined: as many as the memory limit allows. */
  readonly tmpFiles?: number
  /** All files together in each of the `readWrite` paths that is a folder, what was there before included. */
  readonly diskBytes?: number
  readonly diskFiles?: number
  /** Longest line of output, newline excluded; a longer one ends the process. */
  readonly maxLineBytes: number
  /** Standard error that is passed on in a minute; what exceeds it is read and dropped. */
  readonly maxStderrBytes: number
  /** Unread input at which the process is ended. */
  readonly stdinBacklogBytes: number
  /** Output beyond this is left in the pipe until the second has passed. */
  readonly outputBytesPerSecond: number
  /** Output from start to end; more ends the process. Undefined: not limited. */
  readonly outputBytes?: number
  /** Until the first complete line of output. */
  readonly startMs?: number
  /** From start to end, whatever the process does. */
  readonly lifeMs?: number
  /** Without a complete line in either direction. */
  readonly idleMs?: number
}

export interface SandboxedProcess {
  /** Process id on the host of the outermost process. */
  readonly pid: number
  /**
   * Writes one line; the newline is added here. False means: wait for `onDrain` before sending more.
   * Throws `internal` when the line holds a newline, which would be a second message. A no-op after the end.
   */
  send(line: string | Buffer): boolean
  onDrain(listener: () => void): void
  /** One listener; complete lines without their line end, empty ones left out. The buffer belongs to the listener. */
  onLine(listener: (line: Buffer) => void): void
  /** Stops reading output, so that the process blocks once its pipe is full. */
  pause(): void
  resume(): void
  onStderr(listener: (chunk: Buffer) => void): void
  /** Resolves when the process and everything that it started is gone and all of its output was delivered. */
  readonly exited: Promise<ExitReport>
  /** Closes the input, then asks with SIGTERM, then kills the whole tree; `graceMs` between the steps. */
  stop(graceMs?: number): Promise<ExitReport>
  usage(): Promise<Usage>
  /** Resolves when `onAccess` has heard of the files that were changed before this call, or after two seconds. */
  flush(): Promise<void>
  /** Kills the whole tree now. The first reason given is the one that is reported. */
  kill(reason: KillReason): void
}

export type KillReason =
  | 'stopped'
  | 'killed'
  | 'start-deadline'
  | 'life-deadline'
  | 'idle-deadline'
  | 'line-too-long'
  | 'stdin-backlog'
  | 'disk-quota'
  | 'output-quota'
  | 'unrecorded'

/** `exited`: by itself. `setup-failed`: the confinement could not be built and the command never ran. */
export type ExitReason = KillReason | 'exited' | 'setup-failed' | 'out-of-memory'

export interface ExitReport {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly reason: ExitReason
  /** The last bytes of standard error as text: for the audit record and for operators, never for callers. */
  readonly stderrTail: string
}
