/** Files of lists and countries, as they are now: read at the start, and again when they change. */
import { readFile } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from '../audit/log.ts'
import { inTurns } from '../core/turns.ts'
import { fingerprintAt, watchFile } from './file-watch.ts'

/** Thrown at the start for a file that cannot be read: a list that is not there protects nobody. */
export class ListsError extends Error {
  override readonly name = 'ListsError'
}

export interface FollowedParts<T> {
  readonly file: string
  /** Reads the whole of it in small steps; throws what is wrong with it. */
  readonly read: (bytes: Buffer) => Generator<void, T>
  /** Told after the newer state has taken the place of the older one. */
  readonly onChange: () => void
  readonly log: Logger
}

const MAX_BYTES = 536_870_912
/** For so long a file that is written in place must have stayed as it is. */
const STILL_MS = 1_000
/** How often a start looks again at a file that changes while it is read. */
const MAX_LOOKS = 5
/** Between two looks at the clock; a step takes about a microsecond. */
const STEPS = 256

/** What a file says. A newer state takes the place of the older one as a whole; one that is broken is told, and changes nothing. */
export class Followed<T> {
  readonly #parts: FollowedParts<T>
  #current: T
  #known: string
  #reading: Promise<void> | undefined
  readonly #stop: () => void
  #isEnded = false

  private constructor(parts: FollowedParts<T>, current: T, known: string) {
    this.#parts = parts
    this.#current = current
    this.#known = known
    this.#stop = watchFile(
      parts.file,
      () => this.#known,
      () => void (this.#reading ??= this.#readAgain()),
    )
  }

  /** Rejects with ListsError for a file that cannot be read. */
  static async open<T>(parts: FollowedParts<T>): Promise<Followed<T>> {
    try {
      for (let look = 1; ; look++) {
        const known = fingerprintAt(parts.file)
        const current = await readWhole(parts)
        if (fingerprintAt(parts.file) === known) return new Followed(parts, current, known)
        if (look === MAX_LOOKS) throw new Error('it is being written')
      }
    } catch (cause) {
      throw new ListsError(`${parts.file}: ${wrongOf(cause)}`, { cause })
    }
  }

  get current(): T {
    return this.#current
  }

  close(): void {
    this.#isEnded = true
    this.#stop()
  }

  /**
   * Half a list is a list too, in which somebody is missing, or a network wider than it should be. A file that was put in the
   * place of another is whole; of one that is written in place nobody knows before it has been left alone for a while.
   */
  async #isStill(): Promise<boolean> {
    const found = fingerprintAt(this.#parts.file)
    if (fileIn(found) !== fileIn(this.#known)) return true
    await pause(STILL_MS, undefined, { ref: false })
    return fingerprintAt(this.#parts.file) === found
  }

  async #readAgain(): Promise<void> {
    const { file, log, onChange } = this.#parts
    try {
      if (!(await this.#isStill())) return
      const known = fingerprintAt(file)
      // What cannot be read is told once.
      this.#known = known
      const next = await readWhole(this.#parts)
      if (this.#isEnded) return
      // What was written while it was read may be the half of it; the next look comes by itself.
      if (fingerprintAt(file) !== known) return
      this.#current = next
      onChange()
      log.info('a list was read again', { file })
    } catch (error) {
      if (!this.#isEnded)
        log.error('a list cannot be read; the entries from before hold', { file, error: wrongOf(error) })
    } finally {
      this.#reading = undefined
    }
  }
}

/** The first two words of a fingerprint say which file it is. */
const fileIn = (fingerprint: string): string => fingerprint.split(' ', 2).join(' ')

async function readWhole<T>({ file, read }: FollowedParts<T>): Promise<T> {
  const bytes = await readFile(file)
  if (bytes.length > MAX_BYTES) throw new Error(`larger than ${MAX_BYTES} bytes`)
  const steps = read(bytes)
  let result: T | undefined
  await inTurns((until) => {
    do {
      for (let step = 0; step < STEPS; step++) {
        const { done, value } = steps.next()
        if (done !== true) continue
        result = value
        return true
      }
    } while (performance.now() < until)
    return false
  })
  return result as T
}

const wrongOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
