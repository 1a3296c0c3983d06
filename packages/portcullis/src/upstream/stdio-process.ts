import { Fault } from '../core/fault.ts'
import type { Message } from '../mcp/message.ts'
import { writeJson } from '../mcp/write-json.ts'
import type { Parse } from './link.ts'

/**
 * What a link needs of a child process; a sandboxed process fits. Confinement, limits on lines and the environment are
 * decided where it is started.
 */
export interface LineProcess {
  /** Writes one line, the line feed is added. False: wait for `onDrain` before sending more. A no-op after the end. */
  send(line: string | Buffer): boolean
  onDrain(listener: () => void): void
  /** One listener; complete lines without their line feed. */
  onLine(listener: (line: Buffer) => void): void
  /** Leaves further output unread until `resume`; lines that were read already still come. */
  pause?(): void
  resume?(): void
  readonly exited: Promise<ProcessExit>
  /** Ends the process and whatever it started. */
  stop(graceMs?: number): Promise<unknown>
  /** Writes a message in place of plain JSON. */
  writes?(message: Message): string | Promise<string>
  /** What reads its lines in place of `parse`. */
  reads?(parse: Parse): Parse
  /** Hears which calls the process has been given. */
  readonly calls?: CallWatch
}

/** Whoever has to know which call a process works at. */
export interface CallWatch {
  begin(incident: string): void
  /**
   * The call is over. Its response is withheld until this resolves, and replaced by what this throws, such as the fault
   * `audit.unavailable`.
   */
  end(incident: string): Promise<void>
}

export interface ProcessExit {
  readonly code: number | null
  readonly signal: string | null
  readonly reason: string
}

/** A line above the limit ends the process, because what follows it could be the rest of it or another message. */
export function faultOfExit({ code, signal, reason }: ProcessExit): Fault {
  const tooLong = reason === 'line-too-long'
  return new Fault(tooLong ? 'upstream.too_large' : 'upstream.ended', { reason, code, signal })
}

/**
 * Lines towards a process that may read slowly. They wait here, within bounds, because a process whose input overflows
 * would be ended for it.
 */
export class LineWriter {
  readonly #process: LineProcess
  readonly #maxWaitingBytes: number
  #waiting: string[] = []
  #waitingBytes = 0
  #blocked = false

  constructor(process: LineProcess, maxWaitingBytes: number) {
    this.#process = process
    this.#maxWaitingBytes = maxWaitingBytes
    process.onDrain(() => this.#drain())
  }

  /** A message as the process is to get it; a promise when that takes several turns. */
  textOf(message: Message): string | Promise<string> {
    return this.#process.writes?.(message) ?? writeJson(message)
  }

  /** Says whether the line was taken. A line that was not is not sent later either. */
  write(line: string): boolean {
    if (!this.#blocked) {
      this.#blocked = !this.#process.send(line)
      return true
    }
    if (this.#waitingBytes + line.length > this.#maxWaitingBytes) return false
    this.#waitingBytes += line.length
    this.#waiting.push(line)
    return true
  }

  #drain(): void {
    this.#blocked = false
    const lines = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    for (const line of lines) this.write(line)
  }
}
