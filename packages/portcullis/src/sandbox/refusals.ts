/**
 * Reports what the walls refused: each kind at once the first time, and then at most once a second with how often.
 *
 * What the kernel counts for a control group is asked for while the process is busy, seldom while it rests, and at its
 * end: it tells nobody by itself in every version.
 */
import { performance } from 'node:perf_hooks'
import type { OnAccess, RefusedAccess } from './access.ts'
import type { GroupRefusals } from './cgroup/counters.ts'
import type { KillReason, Limits } from './driver.ts'

const WINDOW_MS = 1000
/** The kernel is not asked more often than this on account of calls. */
const LOOK_MS = 20
/** A resting process is asked after every so many windows. */
const REST_WINDOWS = 10

export class Refusals {
  readonly #onAccess: OnAccess
  readonly #counts = new Map<string, { readonly refused: RefusedAccess; times: number }>()
  #window: NodeJS.Timeout | undefined

  constructor(onAccess: OnAccess) {
    this.#onAccess = onAccess
  }

  /** `what` is safe for the audit trail. */
  add(wall: RefusedAccess['wall'], what: string, times = 1, withinMs?: number): void {
    if (times <= 0) return
    const key = `${wall} ${what}`
    const known = this.#counts.get(key)
    if (known !== undefined) known.times += times
    else {
      const refused = { kind: 'refused', wall, what, ...(withinMs !== undefined && { withinMs }) } as const
      this.#counts.set(key, { refused, times: 0 })
      this.#tell(refused, times)
    }
    this.#window ??= setTimeout(() => this.#flush(), WINDOW_MS).unref()
  }

  /** Reports what was held back. */
  close(): void {
    clearTimeout(this.#window)
    this.#flush()
  }

  #flush(): void {
    this.#window = undefined
    const counts = [...this.#counts.values()]
    this.#counts.clear()
    for (const { refused, times } of counts) if (times > 0) this.#tell(refused, times)
  }

  #tell(refused: RefusedAccess, times: number): void {
    this.#onAccess(times === 1 ? refused : { ...refused, what: `${refused.what}, ${times} times` })
  }
}

const KILLS: Partial<Readonly<Record<KillReason, (limits: Limits) => string>>> = {
  'line-too-long': ({ maxLineBytes }) => `a line was longer than ${maxLineBytes} bytes`,
  'output-quota': ({ outputBytes }) => `there were more than ${outputBytes} bytes of output`,
  'stdin-backlog': ({ stdinBacklogBytes }) => `more than ${stdinBacklogBytes} bytes of input were left unread`,
}

/** Of the reasons for a kill, those that are a wall of standard input and output. */
export function tellKill(refusals: Refusals, reason: KillReason, limits: Limits): void {
  const what = KILLS[reason]?.(limits)
  if (what !== undefined) refusals.add('output', what)
}

/** Signals that only a wall sends, as the signal itself or as a shell and bwrap tell it. */
const ENDS = [
  { signal: 'SIGSYS', code: 128 + 31, wall: 'system-call', what: 'ended with SIGSYS, as by the system call filter' },
  { signal: 'SIGXFSZ', code: 128 + 25, wall: 'file', what: 'ended with SIGXFSZ, as for a file beyond its limit' },
] as const

/** What an exit tells of the wall that was met. */
export function tellEnd(refusals: Refusals, code: number | null, signal: NodeJS.Signals | null): void {
  for (const end of ENDS) if (code === end.code || signal === end.signal) refusals.add(end.wall, end.what)
}

/** Asks the kernel. */
export class GroupWatch {
  readonly #read: () => GroupRefusals
  readonly #refusals: Refusals
  readonly #timer: NodeJS.Timeout
  #seen: GroupRefusals = { memory: 0, processes: 0 }
  #seenAt = performance.now()
  #isBusy = true
  #rested = 0

  constructor(read: () => GroupRefusals, refusals: Refusals) {
    this.#read = read
    this.#refusals = refusals
    this.#timer = setInterval(() => this.#tick(), WINDOW_MS).unref()
  }

  /** The process has said or heard something. */
  touch(): void {
    this.#isBusy = true
  }

  /** As `check`, unless that was done a moment ago. For whoever asks after each call. */
  look(): void {
    if (performance.now() - this.#seenAt > LOOK_MS) this.check()
  }

  /** Never throws. */
  check(): void {
    const withinMs = Math.floor(performance.now() - this.#seenAt)
    this.#seenAt = performance.now()
    const now = this.#read()
    const { memory, processes } = this.#seen
    this.#seen = now
    this.#refusals.add('memory', 'a process was killed for lack of memory', now.memory - memory, withinMs)
    this.#refusals.add('processes', 'a process or thread was not started', now.processes - processes, withinMs)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    this.#rested = this.#isBusy ? 0 : this.#rested + 1
    this.#isBusy = false
    if (this.#rested % REST_WINDOWS === 0) this.check()
  }
}
