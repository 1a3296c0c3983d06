/** Files of lists and countries, as they are now: read at the start, and again when they change. */
import { readFile } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
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
      const known = fingerprintAt(parts.file)
      return new Followed(parts, await readWhole(parts), known)
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

  async #readAgain(): Promise<void> {
    const { file, log, onChange } = this.#parts
    // What is written while it is read is another state, which is looked at next.
    this.#known = fingerprintAt(file)
    try {
      const next = await readWhole(this.#parts)
      if (this.#isEnded) return
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
