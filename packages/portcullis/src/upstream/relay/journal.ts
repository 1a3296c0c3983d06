import type { Outgoing } from '../../core/exchange.ts'

const MAX_STREAMS = 32
const MAX_EVENTS = 256
/** Of all streams of one session. A message above it can be lost with its connection, nothing else can. */
const MAX_BYTES = 1_048_576
/** Of all sessions of this process; when it is used up, streams go on but cannot be resumed. */
const MAX_BYTES_IN_ALL = 268_435_456

/** Counts what the journals of a process hold. */
export class JournalSpace {
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes = MAX_BYTES_IN_ALL) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes) return false
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}

/** A client that has taken up a stream again. `end` is called when there is nothing more for it. */
interface Follower {
  send(message: Outgoing): void
  end(): void
}

/** One event stream of a session, as it was sent: what a client that lost its connection can ask for again. */
export class JournalStream {
  readonly name: string
  readonly #journal: Journal
  readonly #events: Array<{ readonly message: Outgoing; readonly bytes: number }> = []
  /** Number of the first event that is kept, less one. */
  #dropped = 0
  #ended = false
  #follower: Follower | undefined

  constructor(name: string, journal: Journal) {
    this.name = name
    this.#journal = journal
  }

  /** Keeps a message of so many bytes and returns the id of its event. */
  record(message: Outgoing, bytes: number): string {
    while (this.#events.length >= MAX_EVENTS) this.dropOldest()
    const number = this.#dropped + this.#events.length + 1
    if (this.#journal.keep(this, bytes)) this.#events.push({ message, bytes })
    else this.#skipTo(number)
    this.#follower?.send(message)
    return this.idOf(number)
  }

  /** Id of the event with this number; 0 is the beginning of the stream. */
  idOf(number: number): string {
    return `${this.name}.${number}`
  }

  end(): void {
    this.#ended = true
    this.#follower?.end()
  }

  /** The number after which a client goes on that has seen event `number`: later when events are not kept any more. */
  startAfter(number: number): number {
    return Math.max(number, this.#dropped)
  }

  /**
   * Sends what came after event `number`, and what is still to come, until the stream ends or is followed from another
   * connection. Returns a function that forgets the follower.
   */
  follow(number: number, follower: Follower): () => void {
    for (const { message } of this.#events.slice(this.startAfter(number) - this.#dropped)) follower.send(message)
    this.#follower?.end()
    this.#follower = this.#ended ? undefined : follower
    if (this.#ended) follower.end()
    return () => {
      if (this.#follower === follower) this.#follower = undefined
    }
  }

  /** Forgets the oldest event and says whether there was one. */
  dropOldest(): boolean {
    const oldest = this.#events.shift()
    if (oldest === undefined) return false
    this.#dropped++
    this.#journal.release(oldest.bytes)
    return true
  }

  forget(): void {
    while (this.dropOldest()) {}
  }

  /** An event that cannot be kept takes those before it along, so that what is kept has no holes. */
  #skipTo(number: number): void {
    this.forget()
    this.#dropped = number
  }
}

/**
 * The recent event streams of one legacy session, so that its own client, and nobody else, can go on after a lost
 * connection (MCP 2025-11-25 transports, "Resumability and Redelivery"). Bounded in streams, events and bytes.
 */
export class Journal {
  readonly #streams = new Map<string, JournalStream>()
  readonly #space: JournalSpace
  #bytes = 0
  #count = 0
  #closed = false

  constructor(space = new JournalSpace()) {
    this.#space = space
  }

  get bytes(): number {
    return this.#bytes
  }

  begin(): JournalStream {
    const stream = new JournalStream(String(++this.#count), this)
    this.#streams.set(stream.name, stream)
    if (this.#streams.size > MAX_STREAMS) this.#forget(this.#streams.values().next().value as JournalStream)
    return stream
  }

  /** The stream and the number that a `Last-Event-ID` names; undefined when it is not kept (any more). */
  find(lastEventId: string): { readonly stream: JournalStream; readonly number: number } | undefined {
    const match = /^(\d{1,9})\.(\d{1,9})$/.exec(lastEventId)
    const stream = match?.[1] === undefined ? undefined : this.#streams.get(match[1])
    return stream && { stream, number: Number(match?.[2]) }
  }

  /** The ids of a stream that is taken up again: its events are kept where they are, so nothing is recorded twice. */
  resume(lastEventId: string): { record(message: Outgoing, length: number): string; end(): void } | undefined {
    const found = this.find(lastEventId)
    if (found === undefined) return undefined
    let number = found.stream.startAfter(found.number)
    return { record: () => found.stream.idOf(++number), end: () => {} }
  }

  /** Makes room for an event of `stream`, in older streams first. False when there is none for it. */
  keep(stream: JournalStream, bytes: number): boolean {
    if (this.#closed || bytes > MAX_BYTES || this.#streams.get(stream.name) !== stream) return false
    for (const other of this.#streams.values()) {
      while (this.#bytes + bytes > MAX_BYTES && other.dropOldest()) {}
    }
    if (!this.#space.take(bytes)) return false
    this.#bytes += bytes
    return true
  }

  release(bytes: number): void {
    this.#bytes -= bytes
    this.#space.give(bytes)
  }

  /** Forgets everything and keeps nothing more; streams that are open go on. */
  close(): void {
    this.#closed = true
    for (const stream of [...this.#streams.values()]) this.#forget(stream)
  }

  #forget(stream: JournalStream): void {
    stream.forget()
    this.#streams.delete(stream.name)
  }
}
