/**
 * Reads what a process says into messages, in the order in which it said them. While a large one is read in turns the
 * process is not read further, so that what follows waits in its pipe and not in our memory.
 */
import type { Message } from '../mcp/message.ts'
import { readMessage } from './incoming.ts'
import type { Parse } from './link.ts'
import type { LineProcess } from './stdio-process.ts'

const OPENING_BRACE = 0x7b

/** What becomes of a line. */
export interface LineTaker {
  message(message: Message): void
  /** A line that was to be a message and is none; `thrown` is the fault. */
  broken(thrown: unknown): void
  /** Banners and stray prints are not messages. */
  stray(): void
}

export class LineReader {
  readonly #process: LineProcess
  readonly #parse: Parse
  readonly #taker: LineTaker
  /** At most what a process has written at once: it is paused. */
  readonly #waiting: Buffer[] = []
  #isReading = false
  readonly #whenIdle: Array<() => void> = []

  constructor(process: LineProcess, parse: Parse, taker: LineTaker) {
    this.#process = process
    this.#parse = process.reads?.(parse) ?? parse
    this.#taker = taker
    process.onLine((line) => {
      if (this.#isReading) this.#waiting.push(line)
      else this.#read(line)
    })
  }

  /** Calls back when all that has arrived so far has been read: at once when nothing waits. */
  after(done: () => void): void {
    if (this.#isReading) this.#whenIdle.push(done)
    else done()
  }

  #read(line: Buffer): void {
    if (line[0] !== OPENING_BRACE) return this.#taker.stray()
    let message: Message | Promise<Message>
    try {
      message = readMessage(this.#parse, line)
    } catch (thrown) {
      return this.#taker.broken(thrown)
    }
    if (message instanceof Promise) this.#wait(message)
    else this.#taker.message(message)
  }

  #wait(message: Promise<Message>): void {
    this.#isReading = true
    this.#process.pause?.()
    const taken = message.then(
      (read) => this.#taker.message(read),
      (thrown: unknown) => this.#taker.broken(thrown),
    )
    void taken.finally(() => this.#goOn())
  }

  #goOn(): void {
    this.#isReading = false
    for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
      this.#read(line)
      if (this.#isReading) return
    }
    this.#process.resume?.()
    for (const done of this.#whenIdle.splice(0)) done()
  }
}
