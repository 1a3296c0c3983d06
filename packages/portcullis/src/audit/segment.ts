import { Fault } from '../core/fault.ts'
import type { AppendFile, OpenAppendFile } from './append-file.ts'
import type { Position } from './record.ts'

/**
 * Group commit: lines that arrive while one commit is under way make up the next one.
 *
 * A commit starts at the end of the turn of the event loop in which it can, so that all that this turn brings shares it,
 * and everybody in it shares one promise. Lines that are in no hurry wait for more as long as some keep coming: a commit
 * costs as much CPU as a whole call, and a millisecond without a line tells that nobody is about to join.
 */
export interface SegmentOptions {
  readonly directory: string
  /** The segment to go on with, if there is one, and its length in bytes. */
  readonly current?: { readonly name: string; readonly bytes: number }
  /** A segment that has reached this size is followed by another. */
  readonly maxSegmentBytes: number
  /** Characters that may wait for the disk before more are refused. */
  readonly maxPendingLength: number
  /** How long lines that are in no hurry wait at most while others keep coming, in milliseconds of a loop that is not busy. 0: not at all. */
  readonly lingerMs: number
  readonly openFile: OpenAppendFile
  /** The last record given to `append`: asked when a commit begins, told to `onDurable` when it has succeeded. */
  readonly onTake: () => Position
  readonly onDurable: (position: Position) => void
  /** Called when a commit failed. Nothing is accepted until `repair` has succeeded. */
  readonly onFailure: (error: unknown) => void
}

export interface Durable {
  readonly name: string
  readonly bytes: number
}

/** Name of the segment whose first record has this sequence number; names sort as numbers do. */
export const segmentName = (sequence: number): string => `${String(sequence).padStart(15, '0')}.jsonl`

/** A millisecond is the shortest time that a timer of Node waits. */
const QUIET_MS = 1

/** The promise that all lines of one commit share. */
interface Batch {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  readonly firstSequence: number
  hurried: boolean
}

export class Segments {
  readonly #options: SegmentOptions
  #file: AppendFile | undefined
  #durable: Durable | undefined
  #text = ''
  #batch: Batch | undefined
  #committing: Batch | undefined
  #scheduled = false
  #linger: NodeJS.Timeout | undefined
  #lingeredMs = 0
  #lengthSeen = 0
  #failure: unknown
  #isEnded = false

  constructor(options: SegmentOptions) {
    this.#options = options
    this.#durable = options.current
  }

  /** True while the next line would be taken. */
  get accepting(): boolean {
    return this.#failure === undefined && this.#text.length < this.#options.maxPendingLength
  }

  /**
   * Takes a line with its newline; call only while `accepting`. Resolves when it is durable, rejects with the fault
   * `audit.unavailable`. `soon` is for lines after which more are expected at once: they are written with the next one
   * that is to go `now`, and at the latest after `lingerMs`.
   */
  append(line: string, sequence: number, when: 'now' | 'soon'): Promise<void> {
    const batch = (this.#batch ??= openBatch(sequence))
    this.#text += line
    if (when === 'now') batch.hurried = true
    this.#schedule()
    return batch.promise
  }

  /** The next commit begins another segment, whatever the size of this one; one without a line goes on. */
  endSegment(): void {
    this.#isEnded = true
  }

  /** Cuts off whatever a failed commit has left, and accepts again. Throws what the file system throws. */
  async repair(): Promise<void> {
    const broken = this.#file
    this.#file = undefined
    await broken?.close().catch(() => undefined)
    if (this.#durable) {
      this.#file = await this.#options.openFile(this.#options.directory, this.#durable.name)
      await this.#file.truncate(this.#durable.bytes)
    }
    this.#failure = undefined
  }

  async close(): Promise<void> {
    this.#hurry()
    for (let batch = this.#last; batch; batch = this.#last) await batch.promise.catch(() => undefined)
    await this.#file?.close()
    this.#file = undefined
  }

  get #last(): Batch | undefined {
    return this.#batch ?? this.#committing
  }

  #schedule(): void {
    if (this.#committing || this.#scheduled || this.#batch === undefined) return
    if (!this.#batch.hurried && this.#options.lingerMs > 0) {
      if (this.#linger === undefined) this.#waitForMore(0)
      return
    }
    this.#scheduled = true
    setImmediate(this.#commit)
  }

  #waitForMore(lingeredMs: number): void {
    this.#lingeredMs = lingeredMs
    this.#lengthSeen = this.#text.length
    this.#linger = setTimeout(this.#look, QUIET_MS)
  }

  readonly #look = (): void => {
    this.#linger = undefined
    const lingeredMs = this.#lingeredMs + QUIET_MS
    if (this.#text.length > this.#lengthSeen && lingeredMs < this.#options.lingerMs) this.#waitForMore(lingeredMs)
    else this.#hurry()
  }

  readonly #hurry = (): void => {
    clearTimeout(this.#linger)
    this.#linger = undefined
    if (this.#batch === undefined) return
    this.#batch.hurried = true
    this.#schedule()
  }

  readonly #commit = (): void => {
    this.#scheduled = false
    clearTimeout(this.#linger)
    this.#linger = undefined
    const batch = this.#batch
    if (batch === undefined) return
    const bytes = Buffer.from(this.#text)
    this.#text = ''
    this.#batch = undefined
    this.#committing = batch
    const position = this.#options.onTake()
    this.#write(bytes, batch).then(
      () => {
        this.#committing = undefined
        this.#options.onDurable(position)
        batch.resolve()
        this.#schedule()
      },
      (error: unknown) => this.#fail(error, batch),
    )
  }

  async #write(bytes: Buffer, batch: Batch): Promise<void> {
    const { directory, maxSegmentBytes, openFile } = this.#options
    const isOver = this.#durable !== undefined && this.#durable.bytes >= (this.#isEnded ? 1 : maxSegmentBytes)
    if (this.#durable === undefined || isOver) {
      this.#isEnded = false
      const name = segmentName(batch.firstSequence)
      await this.#file?.close()
      this.#file = undefined
      this.#file = await openFile(directory, name)
      // A crash after the file was made, or a failed commit, may have left the same name with something in it.
      if (this.#durable?.name !== name) await this.#file.truncate(0)
      this.#durable = { name, bytes: 0 }
    }
    this.#file ??= await openFile(directory, this.#durable.name)
    await this.#file.append(bytes)
    this.#durable = { name: this.#durable.name, bytes: this.#durable.bytes + bytes.length }
  }

  /** What waited behind the failed commit is chained to it, so it fails with it. */
  #fail(error: unknown, batch: Batch): void {
    const next = this.#batch
    const fault = new Fault('audit.unavailable', {}, { cause: error })
    this.#failure = error
    this.#committing = undefined
    this.#batch = undefined
    this.#text = ''
    this.#options.onFailure(error)
    batch.reject(fault)
    next?.reject(fault)
  }
}

function openBatch(firstSequence: number): Batch {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // Not everybody waits at the moment of a failure; a rejection that nobody has picked up yet must not end the process.
  promise.catch(() => undefined)
  return { promise, resolve, reject, firstSequence, hurried: false }
}
