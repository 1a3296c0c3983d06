/** Collects when keys were last used and writes it in batches, because a call must not wait for a row of statistics. */
import type { ApiKeyStore } from './api-key-store.ts'

export interface LastUseParts {
  readonly store: Pick<ApiKeyStore, 'touch'>
  readonly flushMs: number
  /** Told when a batch could not be written; the uses stay and go with the next batch. */
  readonly onProblem: (error: unknown) => void
}

export class LastUse {
  readonly #parts: LastUseParts
  #uses = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(parts: LastUseParts) {
    this.#parts = parts
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.flush(), this.#parts.flushMs).unref()
  }

  /** Notes a use at `at` (milliseconds since the epoch). Only proved keys are noted, so there are no more than keys. */
  note(id: string, at: number): void {
    this.#uses.set(id, at)
  }

  /** Writes what has been noted. Never rejects. */
  async flush(): Promise<void> {
    if (this.#uses.size === 0) return
    const batch = this.#uses
    this.#uses = new Map()
    try {
      await this.#parts.store.touch(batch)
    } catch (error) {
      this.#uses = new Map([...batch, ...this.#uses])
      this.#parts.onProblem(error)
    }
  }

  /** Stops the timer and writes the last batch. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.flush()
  }
}
