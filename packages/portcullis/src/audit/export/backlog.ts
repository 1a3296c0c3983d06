/** What an exporter knows of one chain: how far it is durable, how far it is delivered, and since when something waits. */
import { ChainReader, type ReadLine } from './chain-reader.ts'
import { OpenCalls } from './open-calls.ts'

export class Backlog {
  readonly tenant: string
  readonly reader: ChainReader
  readonly calls = new OpenCalls()
  /** Sequence number of the last record that the receiver has, or that was put aside. */
  delivered: number
  durable: number
  /** Read and not delivered. Bounded by one batch. */
  waiting: readonly ReadLine[] = []
  /** So many of the next records go one by one, because one of them was refused. */
  alone = 0
  /** Attempts at the first of `waiting` that ended with a refusal of it alone. */
  refusals = 0
  /** When the oldest undelivered record was made, or when we heard of it; milliseconds since the epoch. */
  #since: number | undefined

  constructor(tenant: string, directory: string, delivered: number) {
    this.tenant = tenant
    this.reader = new ChainReader(directory, delivered, (line) => this.calls.passed(line))
    this.delivered = delivered
    this.durable = delivered
  }

  get records(): number {
    return Math.max(0, this.durable - this.delivered)
  }

  /** Nothing is delivered before it is durable. */
  hears(durable: number, now: number): void {
    this.durable = Math.max(this.durable, durable)
    if (this.records > 0) this.#since ??= now
  }

  /** What came back from the chain tells when the oldest was made. */
  holds(waiting: readonly ReadLine[]): void {
    this.waiting = waiting
    const at = waiting[0]?.record?.at
    if (at !== undefined) this.#since = at
  }

  /** The first `count` of what waits are delivered. */
  drop(count: number, now: number): void {
    this.delivered = this.waiting[count - 1]?.seq ?? this.delivered
    this.waiting = this.waiting.slice(count)
    this.alone = Math.max(0, this.alone - count)
    this.refusals = 0
    this.#since = this.records === 0 ? undefined : (this.waiting[0]?.record?.at ?? now)
  }

  /** How long the oldest record has waited. */
  lagMs(now: number): number {
    return this.#since === undefined || this.records === 0 ? 0 : Math.max(0, now - this.#since)
  }
}
