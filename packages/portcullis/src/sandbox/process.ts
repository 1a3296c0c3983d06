/** One running command, whichever driver started it: lines in, lines out, and one end with one reason. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../core/fault.ts'
import type { StartedChild } from './child.ts'
import { Deadlines } from './deadlines.ts'
import type { ExitReason, ExitReport, KillReason, Limits, SandboxedProcess } from './driver.ts'
import { LineCutter } from './lines.ts'
import { PacedReader } from './output.ts'
import { StderrReader } from './stderr.ts'

/** What only the driver knows about the processes that it started. */
export interface ProcessTree {
  /** Sends SIGTERM to the command. */
  terminate(): void
  /** Sends SIGKILL to everything. */
  kill(): void
  /** Called once after the exit: waits until everything is gone, cleans up and says why, when nobody killed it. */
  conclude(): Promise<Exclude<ExitReason, KillReason>>
}

const DEFAULT_GRACE_MS = 2000
/** A command that is gone has at most a pipe of output left; a descendant outside of a sandbox may keep it open. */
const LAST_OUTPUT_MS = 1000

export class ConfinedProcess implements SandboxedProcess {
  readonly pid: number
  readonly exited: Promise<ExitReport>
  readonly #child: StartedChild
  readonly #tree: ProcessTree
  readonly #backlogBytes: number
  readonly #deadlines: Deadlines
  readonly #output: PacedReader
  readonly #stderr: StderrReader
  #onLine: (line: Buffer) => void = () => {}
  #killed: KillReason | undefined
  #over = false

  constructor(child: StartedChild, tree: ProcessTree, limits: Limits) {
    this.pid = child.pid
    this.#child = child
    this.#tree = tree
    this.#backlogBytes = limits.stdinBacklogBytes
    this.#deadlines = new Deadlines(limits, (reason) => this.kill(reason))
    this.#stderr = new StderrReader(child.stderr, limits.maxStderrBytes)
    const lines = new LineCutter(limits.maxLineBytes, (line) => this.#receive(line))
    this.#output = new PacedReader(child.stdout, limits.outputBytesPerSecond, (chunk) => {
      if (this.#killed !== 'line-too-long' && !lines.push(chunk)) this.kill('line-too-long')
    })
    this.#output.hold('owner') // nothing is lost while nobody listens yet
    this.exited = this.#end()
  }

  send(line: string | Buffer): boolean {
    if (this.#over) return true
    if (line.includes('\n')) throw new Fault('internal', { reason: 'a line for a process holds a newline' })
    this.#deadlines.heard()
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

  kill(reason: KillReason): void {
    if (this.#over) return
    this.#killed ??= reason
    this.#tree.kill()
  }

  #receive(line: Buffer): void {
    this.#deadlines.spoke()
    this.#onLine(line)
  }

  #sent(ready: boolean): boolean {
    if (this.#child.stdin.writableLength > this.#backlogBytes) this.kill('stdin-backlog')
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
    const ownReason = await this.#tree.conclude()
    return { code, signal, reason: this.#killed ?? ownReason, stderrTail: this.#stderr.tail }
  }
}
