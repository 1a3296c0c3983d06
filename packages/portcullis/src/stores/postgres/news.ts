/** Decides how a node hears at once of what others have written: one connection that listens, beside the asking that goes on. */
import type { Client, ClientConfig } from 'pg'
import type { NewsListener } from '../stores.ts'

export interface NewsParts {
  readonly config: ClientConfig
  readonly open: (config: ClientConfig) => Client
  /** Told about each connection that was lost or not had. */
  readonly onProblem: (error: unknown) => void
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2_000

/**
 * A hint only: whoever listens asks the store what there is after the last sequence that it has seen. So nothing is lost with
 * a connection, and each new one begins with a question.
 */
export class PostgresNews {
  readonly #given: NewsParts
  readonly #listeners = new Set<NewsListener>()
  #client: Client | undefined
  #timer: NodeJS.Timeout | undefined
  #pauseMs = FIRST_PAUSE_MS
  #closed = false

  constructor(given: NewsParts) {
    this.#given = given
  }

  /** Never rejects: without it news come by asking. */
  async start(): Promise<void> {
    if (this.#closed) return
    const client = this.#given.open(this.#given.config)
    this.#client = client
    client.on('error', (error) => this.#lost(client, error))
    client.on('end', () => this.#lost(client, new Error('the connection that listens has ended')))
    client.on('notification', () => this.tell())
    try {
      await client.connect()
      await client.query('listen portcullis')
      this.#pauseMs = FIRST_PAUSE_MS
      this.tell()
    } catch (thrown) {
      this.#lost(client, thrown)
    }
  }

  /** Returns a function that forgets the listener, which must not throw. */
  onNews(listener: NewsListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#listeners.clear()
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => {})
  }

  tell(isAnew = false): void {
    for (const listener of this.#listeners) listener(isAnew)
  }

  #lost(client: Client, error: unknown): void {
    if (this.#client !== client) return
    this.#client = undefined
    client.end().catch(() => {})
    if (this.#closed) return
    this.#given.onProblem(error)
    this.#timer = setTimeout(() => void this.start(), this.#pauseMs)
    this.#timer.unref()
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2)
  }
}
