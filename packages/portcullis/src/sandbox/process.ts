/** One running command, whichever driver started it: lines in, lines out, and one end with one reason. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../core/fault.ts'
import type { OnAccess, Usage } from './access.ts'
import type { GroupRefusals } from './cgroup/counters.ts'
import type { StartedChild } from './child.ts'
import { Deadlines } from './deadlines.ts'
import type { ExitReason, ExitReport, KillReason, Limits, SandboxedProcess } from './driver.ts'
import { LineCutter } from './lines.ts'
import { PacedReader } from './output.ts'
import { GroupWatch, Refusals, tellEnd, tellKill } from './refusals.ts'
import { StderrReader } from './stderr.ts'

/** What only the driver knows about the processes that it started. */
export interface ProcessTree {
  /** Sends SIGTERM to the command. */
  terminate(): void
  /** Sends SIGKILL to everything. */
  kill(): void
  /** Called once after the exit: waits until everything is gone, cleans up and says why, when nobody killed it. */
  conclude(): Promise<Exclude<ExitReason, KillReason> | 'disk-quota'>
  /** Resolves when what was changed so far has been reported. */
  flush?(): Promise<void>
  /** What the kernel has refused to all of it so far; goes on answering after `conclude`. */
  readonly refusals?: () => GroupRefusals
}

/** Counts some part of what a process uses, such as its folders or its connections. Must answer after the end too. */
export type Meter = () => Partial<Usage> | Promise<Partial<Usage>>

const DEFAULT_GRACE_MS = 2000
/** A command that is gone has at most a pipe of output left; a descendant outside of a sandbox may keep it open. */
const LAST_OUTPUT_MS = 1000

export class ConfinedProcess implements SandboxedProcess {
  readonly pid: number
  readonly exited: Promise<ExitReport>
  readonly #child: StartedChild
  readonly #tree: ProcessTree
  readonly #deadlines: Deadlines
  readonly #output: PacedReader
  readonly #stderr: StderrReader
  readonly #meters: readonly Meter[]
  readonly #limits: Limits
  readonly #refusals: Refusals
  readonly #watch: GroupWatch | undefined
  #outputBytes = 0
  /** Lines of a command that ended before anybody listened: at most what a pipe holds, because nothing is read before. */
  readonly #early: Buffer[] = []
  #onLine: (line: Buffer) => void = (line) => {
    this.#early.push(line)
  }
  #killed: KillReason | undefined
  #over = false

  /** `onAccess` hears of each wall that is met here or in the tree. */
  constructor(
    child: StartedChild,
    tree: ProcessTree,
    limits: Limits,
    meters: readonly Meter[] = [],
    onAccess?: OnAccess,
  ) {
    this.pid = child.pid
    this.#child = child
    this.#tree = tree
    this.#meters = meters
    this.#limits = limits
    this.#refusals = new Refusals(onAccess ?? (() => {}))
    this.#watch = onAccess && tree.refusals && new GroupWatch(tree.refusals, this.#refusals)
    this.#deadlines = new Deadlines(limits, (reason) => this.kill(reason))
    const refused = (what: string) => this.#refusals.add('output', what)
    const dropping = `standard error beyond ${limits.maxStderrBytes} bytes a minute was dropped`
    this.#stderr = new StderrReader(child.stderr, limits.maxStderrBytes, () => refused(dropping))
    const waiting = `output beyond ${limits.outputBytesPerSecond} bytes a second had to wait`
    const take = this.#taker(limits)
    this.#output = new PacedReader(child.stdout, limits.outputBytesPerSecond, take, () => refused(waiting))
    this.#output.hold('owner') // nothing is lost while nobody listens yet
    this.exited = this.#end()
  }

  send(line: string | Buffer): boolean {
    if (this.#over) return true
    if (line.includes('\n')) throw new Fault('internal', { reason: 'a line for a process holds a newline' })
    this.#deadlines.heard()
    this.#watch?.touch()
    const { stdin } = this.#child
    if (typeof line === 'string') return this.#sent(stdin.write(`${line}\n`))
    stdin.cork()
    stdin.write(line)
    const ready = stdin.write('\n')
    stdin.uncork()
    return this.#sent(ready)
  }

  onDrain(listener: () => void): void {
    this.#child.stdin.on('drain', listener)
  }

  onLine(listener: (line: Buffer) => void): void {
    this.#onLine = listener
    for (const line of this.#early.splice(0)) listener(line)
    this.#output.release('owner')
  }

  pause(): void {
    if (!this.#over) this.#output.hold('owner')
  }

  resume(): void {
    this.#output.release('owner')
  }

  onStderr(listener: (chunk: Buffer) => void): void {
    this.#stderr.listen(listener)
  }

  async stop(graceMs: number = DEFAULT_GRACE_MS): Promise<ExitReport> {
    this.#child.stdin.end()
    if (!(await this.#endsWithin(graceMs))) {
      this.#tree.terminate()
      if (!(await this.#endsWithin(graceMs))) this.kill('stopped')
    }
    return this.exited
  }

  async usage(): Promise<Usage> {
    const parts = await Promise.all(this.#meters.map(async (meter) => meter()))
    return Object.assign({ outputBytes: this.#outputBytes, sentBytes: 0, receivedBytes: 0 }, ...parts) as Usage
  }

  async flush(): Promise<void> {
    this.#watch?.look()
    await this.#tree.flush?.()
  }

  kill(reason: KillReason): void {
    if (this.#over) return
    if (this.#killed === undefined) tellKill(this.#refusals, reason, this.#limits)
    this.#killed ??= reason
    this.#tree.kill()
  }

  /** Answers how many lines a chunk has completed. */
  #taker({ maxLineBytes, outputBytes = Number.POSITIVE_INFINITY }: Limits): (chunk: Buffer) => number {
    let count = 0
    const lines = new LineCutter(maxLineBytes, (line) => {
      count++
      this.#receive(line)
    })
    let isEnough = false
    return (chunk) => {
      count = 0
      this.#outputBytes += chunk.length
      if (isEnough) return count
      const reason = this.#outputBytes > outputBytes ? 'output-quota' : lines.push(chunk) ? undefined : 'line-too-long'
      if (reason === undefined) return count
      isEnough = true
      this.kill(reason)
      return count
    }
  }

  #receive(line: Buffer): void {
    this.#deadlines.spoke()
    this.#watch?.touch()
    this.#onLine(line)
  }

  #sent(ready: boolean): boolean {
    if (this.#child.stdin.writableLength > this.#limits.stdinBacklogBytes) this.kill('stdin-backlog')
    return ready
  }

  async #endsWithin(milliseconds: number): Promise<boolean> {
    const timer = new AbortController()
    const late = sleep(milliseconds, false, { signal: timer.signal }).catch(() => false)
    const ended = await Promise.race([this.exited.then(() => true), late])
    timer.abort()
    return ended
  }

  async #end(): Promise<ExitReport> {
    const closed = once(this.#child.process, 'close')
    const [code, signal] = (await once(this.#child.process, 'exit')) as [number | null, NodeJS.Signals | null]
    this.#over = true
    this.#deadlines.clear()
    this.#output.drain()
    await Promise.race([closed, sleep(LAST_OUTPUT_MS, undefined, { ref: false })])
    for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) stream.destroy()
    // Nobody could be told of a failure here but through the report, and unheard it would end the gateway.
    let failure = ''
    const ownReason = await this.#tree.conclude().catch((problem: unknown) => {
      failure = `\nthe end could not be concluded: ${(problem as Error).message}`
      return 'exited' as const
    })
    tellEnd(this.#refusals, code, signal)
    this.#watch?.close()
    this.#watch?.check()
    this.#refusals.close()
    return { code, signal, reason: this.#killed ?? ownReason, stderrTail: this.#stderr.tail + failure }
  }
}
