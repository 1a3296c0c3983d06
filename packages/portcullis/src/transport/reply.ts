import { atEndOfTurn, type Outbound } from '../core/end-of-turn.ts'
import type { Answer, Ending, Outgoing, Outlet, Seal } from '../core/exchange.ts'
import { encodeEvent, KEEP_ALIVE } from '../mcp/sse.ts'
import { writeJson } from '../mcp/write-json.ts'
import type { Response } from './plain-response.ts'

const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // A reverse proxy in front must not hold events back (MCP "Receiving Messages").
  'x-accel-buffering': 'no',
} as const

/** Where the events of a stream are kept for a client that may lose its connection. */
export interface EventJournal {
  /** Id of the event that opens the stream; absent for clients that do not expect one. */
  readonly primeId?: string
  /** Keeps a message, which is so many characters long, and returns the id of its event. */
  record(message: Outgoing, length: number): string
  end(): void
}

/** Milliseconds after which a client that lost its stream should come back. */
const RETRY_MS = 1_000

/**
 * The way back to one client: plain JSON unless a message has to leave before the answer, which opens an event stream.
 * Nothing is thrown when the client has left; what is sent then goes nowhere.
 */
export class Reply implements Outlet, Outbound, Ending {
  /** Called once when the reply becomes a stream. */
  onStream: (() => void) | undefined
  readonly #response: Response
  #beginJournal: (() => EventJournal | undefined) | undefined
  #journal: EventJournal | undefined
  #streaming = false
  /** The answer is on its way, whole; nothing else leaves before it or after it. */
  #answering = false
  /** A body that leaves at the end of this turn; nothing can follow it. */
  #body: string | undefined
  #drained: Promise<void> | undefined
  #seal: Seal | undefined
  /** The last of the messages that are being written in turns; what is sent meanwhile follows them. */
  #last: Promise<void> | undefined

  /** @param beginJournal called when the reply becomes a stream */
  constructor(response: Response, beginJournal: () => EventJournal | undefined) {
    this.#response = response
    this.#beginJournal = beginJournal
  }

  get streaming(): boolean {
    return this.#streaming
  }

  announce(headers: Readonly<Record<string, string>>): void {
    for (const name in headers) this.#response.setHeader(name, headers[name] as string)
  }

  sealWith(seal: Seal): void {
    this.#seal = seal
  }

  open(): void {
    if (this.#streaming || this.#answering || this.#response.headersSent) return
    this.#streaming = true
    this.#response.writeHead(200, STREAM_HEADERS)
    this.#response.flushHeaders()
    this.onStream?.()
    this.#journal = this.#beginJournal?.()
    // Both have been called; they know the whole request.
    this.onStream = undefined
    this.#beginJournal = undefined
    const id = this.#journal?.primeId
    if (id !== undefined) void this.#write(encodeEvent({ id, retryMs: RETRY_MS, data: '' }))
  }

  send(message: Outgoing): Promise<void> | void {
    if (this.#answering) return
    this.open()
    const text = this.#last === undefined ? this.#written(message) : this.#last.then(() => this.#written(message))
    if (typeof text === 'string') return this.#write(this.#event(message, text))
    const sent = text.then((written) => this.#write(this.#event(message, written)))
    this.#last = sent
    const settle = (): void => {
      if (this.#last === sent) this.#last = undefined
    }
    sent.then(settle, settle)
    return sent
  }

  #written(message: Outgoing): string | Promise<string> {
    const sealed = this.#seal === undefined ? message : this.#seal.message(message)
    return sealed instanceof Promise ? sealed.then(writeJson) : writeJson(sealed)
  }

  /** Keeps middle boxes from closing a silent stream. */
  keepAlive(): void {
    if (this.#streaming && !this.#response.writableEnded && !this.#response.writableNeedDrain) {
      this.#response.write(KEEP_ALIVE)
    }
  }

  /** The end of a stream that nobody waits for. */
  async answered(answer: Answer): Promise<Answer> {
    try {
      await this.finish(answer)
      return answer
    } catch (thrown) {
      return this.failed(thrown)
    }
  }

  failed(thrown: unknown): never {
    this.#response.destroy()
    throw thrown
  }

  /** A promise when the answer takes several turns to write; the end of a stream that lasts is written when it comes. */
  finish(answer: Answer): Promise<void> | void {
    if (answer.lasting !== undefined) return answer.lasting.add(this)
    if (this.#streaming) {
      if (answer.message !== undefined) void this.send(answer.message)
      return this.#last === undefined ? this.#endStream() : this.#last.then(() => this.#endStream())
    }
    this.#answering = true
    const content = answer.message ?? answer.document
    const text = content && writeJson(content)
    return text instanceof Promise ? text.then((body) => this.#end(answer, body)) : this.#end(answer, text)
  }

  #endStream(): void {
    this.#journal?.end()
    this.#response.end()
  }

  #end(answer: Answer, body: string | undefined): void {
    if (this.#response.headersSent || this.#response.destroyed) return
    if (answer.cookies !== undefined) this.#response.setHeader('set-cookie', [...answer.cookies])
    if (body === undefined) {
      if (answer.page !== undefined) return this.#finishPage(answer, answer.page)
      this.#writeHead(answer.status, { ...answer.headers, 'content-length': 0 }, '')
      this.#response.end()
      return
    }
    // Head and body leave in one write when the body is a string.
    const headers: Record<string, string | number> = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
    }
    if (answer.headers !== undefined) Object.assign(headers, answer.headers)
    this.#writeHead(answer.status, headers, body)
    this.#body = body
    atEndOfTurn(this)
  }

  #writeHead(status: number, headers: Readonly<Record<string, string | number>>, body: string): void {
    const seal = this.#seal
    this.#response.writeHead(
      status,
      seal === undefined ? headers : { ...headers, ...seal.headers(status, headers, body) },
    )
  }

  flush(): void {
    this.#response.end(this.#body)
  }

  #finishPage({ status, headers }: Answer, page: string): void {
    this.#response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(page) })
    this.#response.end(page)
  }

  #event(message: Outgoing, data: string): string {
    return encodeEvent(
      this.#journal === undefined ? { data } : { id: this.#journal.record(message, data.length), data },
    )
  }

  #write(chunk: string): Promise<void> | void {
    const response = this.#response
    if (response.destroyed || response.writableEnded || response.write(chunk)) return
    // All who wait share one promise, so that many senders do not become many listeners.
    this.#drained ??= new Promise((resolve) => {
      const done = () => {
        response.off('drain', done)
        response.off('close', done)
        this.#drained = undefined
        resolve()
      }
      response.on('drain', done)
      response.on('close', done)
    })
    return this.#drained
  }
}
