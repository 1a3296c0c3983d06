/**
 * Decides when witnesses are told, what waits for one that does not answer, and when calls are refused because of it.
 *
 * Of each chain only the newest checkpoint waits: it covers all before it, so a witness that was away for a week is up to
 * date with one note, and memory is bounded by the number of chains.
 */
import type { Clock } from '../../core/clock.ts'
import type { SignedStatement } from '../checkpoint.ts'
import { one, type Reading } from '../metrics/reading.ts'
import type { Witness } from './witness.ts'

export interface WitnessEntry {
  readonly name: string
  readonly witness: Witness
  readonly deadlineMs: number
  /** What it may lack before calls are refused; undefined: nothing is refused for it. */
  readonly required?: { readonly maxLagMs: number; readonly maxLagRecords: number } | undefined
}

export interface WitnessesOptions {
  readonly clock: Clock
  /** Hears why a witness could not be told, and that it is up again (`undefined`), once each time. */
  readonly onProblem: (name: string, error: unknown) => void
  readonly minRetryMs?: number
  readonly maxRetryMs?: number
}

/** How far a chain is, and how far a witness knows it. */
interface Standing {
  durable: number
  /** Sequence number of the last checkpoint record that it was told of; `at` of that one, or when the first record came. */
  told: number
  toldAt: number
}

const MIN_RETRY_MS = 500
const MAX_RETRY_MS = 60_000

class Post {
  readonly entry: WitnessEntry
  readonly #options: WitnessesOptions
  readonly #waiting = new Map<string, SignedStatement>()
  readonly standings = new Map<string, Standing>()
  #retryMs = 0
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  #closing = false
  failing = false
  noted = 0
  failures = 0

  constructor(entry: WitnessEntry, options: WitnessesOptions) {
    this.entry = entry
    this.#options = options
  }

  hears(tenant: string, durable: number): void {
    const standing = this.standings.get(tenant)
    if (standing !== undefined) standing.durable = durable
    // What was there before this start is told with the next checkpoint, and so is its age measured from now.
    else this.standings.set(tenant, { durable, told: durable, toldAt: this.#options.clock.now() })
  }

  take(statement: SignedStatement): void {
    this.#waiting.set(statement.tenant, statement)
    if (this.#timer === undefined) this.#send()
  }

  isBehind(tenant: string): boolean {
    const { required } = this.entry
    const standing = this.standings.get(tenant)
    if (required === undefined || standing === undefined) return false
    const { records, ms } = this.lag(standing)
    return records > required.maxLagRecords || ms > required.maxLagMs
  }

  lag({ durable, told, toldAt }: Standing): { readonly records: number; readonly ms: number } {
    const records = Math.max(0, durable - told)
    return { records, ms: records === 0 ? 0 : Math.max(0, this.#options.clock.now() - toldAt) }
  }

  /** Tells what waits, once, for as long as a note may take. */
  async close(): Promise<void> {
    this.#closing = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#sending
    this.#send()
    await this.#sending
    await this.entry.witness.close()
  }

  #send(): void {
    if (this.#sending !== undefined || this.#waiting.size === 0) return
    const statements = [...this.#waiting.values()]
    this.#sending = this.#note(statements).then((isNoted) => {
      this.#sending = undefined
      if (isNoted) this.#settle(statements)
      if (this.#closing || this.#waiting.size === 0) return
      if (isNoted) return this.#send()
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        this.#send()
      }, this.#retryMs).unref()
    })
  }

  async #note(statements: readonly SignedStatement[]): Promise<boolean> {
    const signal = AbortSignal.timeout(this.entry.deadlineMs)
    const { promise: late, reject } = Promise.withResolvers<never>()
    signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true })
    const { onProblem, minRetryMs = MIN_RETRY_MS, maxRetryMs = MAX_RETRY_MS } = this.#options
    try {
      await Promise.race([this.entry.witness.note(statements, signal), late])
      if (this.failing) onProblem(this.entry.name, undefined)
      this.failing = false
      this.#retryMs = 0
      return true
    } catch (error) {
      this.failures++
      if (!this.failing) onProblem(this.entry.name, error)
      this.failing = true
      this.#retryMs = Math.min(maxRetryMs, Math.max(minRetryMs, this.#retryMs * 2))
      return false
    }
  }

  #settle(statements: readonly SignedStatement[]): void {
    for (const statement of statements) {
      const { tenant, sequence, at } = statement
      this.noted++
      if (this.#waiting.get(tenant) === statement) this.#waiting.delete(tenant)
      const standing = this.standings.get(tenant)
      // The checkpoint record itself is the one after what it signs.
      if (standing !== undefined) Object.assign(standing, { told: sequence + 1, toldAt: at })
    }
  }
}

export class Witnesses {
  readonly #posts: readonly Post[]
  readonly #required: readonly Post[]

  constructor(entries: readonly WitnessEntry[], options: WitnessesOptions) {
    this.#posts = entries.map((entry) => new Post(entry, options))
    this.#required = this.#posts.filter(({ entry }) => entry.required !== undefined)
  }

  /** A chain is durable up to this record. Must not throw. */
  hears(tenant: string, durable: number): void {
    for (const post of this.#posts) post.hears(tenant, durable)
  }

  /** A checkpoint is durable. Must not throw. */
  take(statement: SignedStatement): void {
    for (const post of this.#posts) post.take(statement)
  }

  get hasRequired(): boolean {
    return this.#required.length > 0
  }

  /** Name of a required witness that lacks more of this tenant than is allowed. */
  behind(tenant: string): string | undefined {
    return this.#required.find((post) => post.isBehind(tenant))?.entry.name
  }

  /** Whether calls of anybody are refused for it. */
  get isBehind(): boolean {
    return this.#required.some((post) => [...post.standings.keys()].some((tenant) => post.isBehind(tenant)))
  }

  /** For a scrape. */
  get readings(): readonly Reading[] {
    const each = (name: string, help: string, type: 'gauge' | 'counter', of: (post: Post) => number): Reading => ({
      ...one(`portcullis_witness_${name}`, help, type, 0),
      values: this.#posts.map((post) => ({ labels: { witness: post.entry.name }, value: of(post) })),
    })
    const lags = (post: Post) => [...post.standings.values()].map((standing) => post.lag(standing))
    return [
      each('lag_records', 'Records that a witness does not know to be there.', 'gauge', (post) =>
        lags(post).reduce((sum, { records }) => sum + records, 0),
      ),
      each('lag_seconds', 'How long ago the last checkpoint was made that it knows.', 'gauge', (post) =>
        Math.max(0, ...lags(post).map(({ ms }) => ms / 1_000)),
      ),
      each('failing', '1 while the last note has failed.', 'gauge', ({ failing }) => Number(failing)),
      each('notes_total', 'Checkpoints that a witness has taken.', 'counter', ({ noted }) => noted),
      each('failures_total', 'Notes that have failed.', 'counter', ({ failures }) => failures),
    ]
  }

  /** Tells what waits. The chains must be closed by then. */
  async close(): Promise<void> {
    await Promise.all(this.#posts.map((post) => post.close()))
  }
}
