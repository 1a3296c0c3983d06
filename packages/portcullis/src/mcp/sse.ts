import { Fault } from '../core/fault.ts'

/**
 * Server-sent events as bytes: read from an upstream, written to a client (WHATWG HTML, "Server-sent events").
 * Data stays bytes until the strict parser reads it, so that broken UTF-8 is refused and not replaced.
 */
export interface SseEvent {
  /** `message` unless the stream named another one. */
  readonly event: string
  /** All `data` lines, joined with a line feed. Empty for an event that only carries `id` or `retry`. */
  readonly data: Buffer
  /** Of this event. `lastEventId` of the decoder remembers it. */
  readonly id?: string
  /** Milliseconds to wait before connecting again. */
  readonly retryMs?: number
}

const LF = 0x0a
const CR = 0x0d
const COLON = 0x3a
const SPACE = 0x20
const LINE_FEED = Buffer.from('\n')
const EMPTY = Buffer.alloc(0)
const BOM = Buffer.from([0xef, 0xbb, 0xbf])

/** Reads a stream of events from chunks that may be cut anywhere. One decoder belongs to one response. */
export class SseDecoder {
  /** The last `id` of the stream, for `Last-Event-ID`; undefined as long as there was none. */
  lastEventId: string | undefined
  /** The last `retry` of the stream in milliseconds. */
  retryMs: number | undefined
  /** How many comment lines have been seen: upstreams send them to keep a silent stream alive. */
  comments = 0

  readonly #maxEventBytes: number
  #pending: Buffer[] = []
  #pendingBytes = 0
  #skipLineFeed = false
  #atStart = true
  #bytes = 0
  #data: Buffer[] = []
  #event = ''
  #id: string | undefined
  #retryMs: number | undefined
  #touched = false

  constructor(maxEventBytes: number) {
    this.#maxEventBytes = maxEventBytes
  }

  /** Returns the events that this chunk completes. Throws `upstream.too_large` when one exceeds the limit. */
  push(chunk: Buffer): SseEvent[] {
    const events: SseEvent[] = []
    if (chunk.length === 0) return events
    this.#pending.push(chunk)
    this.#pendingBytes += chunk.length
    // Chunks of one long line are joined once, when its end arrives.
    if (chunk.includes(LF) || chunk.includes(CR)) this.#drain(events)
    if (this.#bytes + this.#pendingBytes > this.#maxEventBytes) throw tooLarge(this.#maxEventBytes)
    return events
  }

  #drain(events: SseEvent[]): void {
    const bytes = this.#pending.length === 1 ? (this.#pending[0] as Buffer) : Buffer.concat(this.#pending)
    const rest = bytes.subarray(this.#lines(bytes, events))
    this.#pending = rest.length === 0 ? [] : [rest]
    this.#pendingBytes = rest.length
  }

  /** Handles every complete line and returns where the unfinished one starts. */
  #lines(bytes: Buffer, events: SseEvent[]): number {
    let start = 0
    if (this.#skipLineFeed) {
      if (bytes[0] === LF) start = 1
      this.#skipLineFeed = false
    }
    let cr = bytes.indexOf(CR, start)
    let lf = bytes.indexOf(LF, start)
    while (cr !== -1 || lf !== -1) {
      const end = cr === -1 || (lf !== -1 && lf < cr) ? lf : cr
      this.#line(bytes.subarray(start, end), events)
      start = end + 1
      if (end === cr) {
        if (start === bytes.length) this.#skipLineFeed = true
        else if (bytes[start] === LF) start++
        cr = bytes.indexOf(CR, start)
      }
      if (lf !== -1 && lf < start) lf = bytes.indexOf(LF, start)
    }
    return start
  }

  #line(bytes: Buffer, events: SseEvent[]): void {
    const line = this.#atStart && bytes.subarray(0, BOM.length).equals(BOM) ? bytes.subarray(BOM.length) : bytes
    this.#atStart = false
    if (line.length === 0) return this.#dispatch(events)
    if (line[0] === COLON) {
      this.comments++
      return
    }
    this.#bytes += line.length
    if (this.#bytes > this.#maxEventBytes) throw tooLarge(this.#maxEventBytes)
    const colon = line.indexOf(COLON)
    const field = colon === -1 ? line : line.subarray(0, colon)
    const from = colon === -1 ? line.length : line[colon + 1] === SPACE ? colon + 2 : colon + 1
    this.#field(field.toString('latin1'), line.subarray(from))
  }

  #field(field: string, value: Buffer): void {
    if (field === 'data') this.#data.push(value)
    else if (field === 'event') this.#event = value.toString('utf8')
    else if (field === 'id' && !value.includes(0)) this.#id = value.toString('utf8')
    else if (field === 'retry' && /^\d{1,9}$/.test(value.toString('latin1')))
      this.#retryMs = Number(value.toString('latin1'))
    else return
    this.#touched = true
  }

  #dispatch(events: SseEvent[]): void {
    if (this.#touched) {
      if (this.#id !== undefined) this.lastEventId = this.#id
      if (this.#retryMs !== undefined) this.retryMs = this.#retryMs
      events.push({
        event: this.#event || 'message',
        data: joined(this.#data),
        ...(this.#id !== undefined && { id: this.#id }),
        ...(this.#retryMs !== undefined && { retryMs: this.#retryMs }),
      })
    }
    this.#data = []
    this.#event = ''
    this.#id = undefined
    this.#retryMs = undefined
    this.#touched = false
    this.#bytes = 0
  }
}

function joined(lines: Buffer[]): Buffer {
  if (lines.length === 1) return lines[0] as Buffer
  if (lines.length === 0) return EMPTY
  return Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [LINE_FEED, line])))
}

const tooLarge = (maxEventBytes: number): Fault =>
  new Fault('upstream.too_large', { reason: 'server-sent event', maxEventBytes })

/** An event to be written. `data` is one JSON text or empty; line breaks in it become several `data` lines. */
export interface OutgoingEvent {
  readonly data: string
  readonly id?: string
  readonly retryMs?: number
  readonly event?: string
}

/** The text of one event, its blank line included. Throws a TypeError for an id or name that contains a line break. */
export function encodeEvent(event: OutgoingEvent): string {
  let text = ''
  if (event.event !== undefined) text += `event: ${oneLine(event.event)}\n`
  if (event.id !== undefined) text += `id: ${oneLine(event.id)}\n`
  if (event.retryMs !== undefined) text += `retry: ${event.retryMs}\n`
  const { data } = event
  const isOneLine = !data.includes('\n') && !data.includes('\r')
  return `${text}data: ${isOneLine ? data : data.split(/\r\n|\r|\n/).join('\ndata: ')}\n\n`
}

/** A line that clients ignore and that keeps intermediaries from closing a silent stream. */
export const KEEP_ALIVE = ':\n\n'

function oneLine(value: string): string {
  if (/[\r\n\0]/.test(value)) throw new TypeError('an event id or name must be one line')
  return value
}
