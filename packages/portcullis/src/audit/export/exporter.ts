/**
 * Brings the records of the chains that it follows to one receiver: in order, at least once, one delivery at a time.
 *
 * It reads what is durable, when it can, and nobody waits for it: a receiver that hangs costs a call nothing and holds no
 * more in memory than one delivery.
 */
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../log.ts'
import { Backlog } from './backlog.ts'
import type { ReadLine } from './chain-reader.ts'
import type { Cursor } from './cursor.ts'
import type { DeadLetters } from './dead-letters.ts'
import { backOffMs, type ExportRules } from './export-rules.ts'
import { eventId, type ExportEvent, type Format } from './event.ts'
import { problemOf } from './problem.ts'
import { type Item, type Sink, SinkError } from './sink.ts'

export interface ExporterOptions {
  readonly name: string
  readonly format: Format
  readonly sink: Sink
  readonly cursor: Cursor
  readonly dead: DeadLetters
  readonly rules: ExportRules
  /** Undefined: the chains of all tenants, and that of the gateway. */
  readonly tenants?: ReadonlySet<string> | undefined
  /** Undefined: records of all kinds. */
  readonly kinds?: ReadonlySet<string> | undefined
  /** Folder of a tenant's chain. */
  readonly directoryOf: (tenant: string) => string
  readonly clock: Clock
  readonly random: () => number
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
}

/** What has happened since the start. */
export interface ExportCounts {
  delivered: number
  failures: number
  /** Records that were gone before they could be read. */
  missing: number
}

export class Exporter {
  readonly #options: ExporterOptions
  readonly #backlogs = new Map<string, Backlog>()
  readonly counts: ExportCounts = { delivered: 0, failures: 0, missing: 0 }
  /** Failures in a row, and why the last one. */
  #failed = 0
  #problem: string | undefined
  #wake = Promise.withResolvers<void>()
  #isIdle = false
  #state: 'new' | 'running' | 'ending' | 'ended' = 'new'
  #running: Promise<void> | undefined
  #delivery: AbortController | undefined
  /** Of which something is in memory: it goes first, so that there is never more than one delivery there. */
  #current: Backlog | undefined

  constructor(options: ExporterOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.name
  }

  get backlogs(): ReadonlyMap<string, Backlog> {
    return this.#backlogs
  }

  get deadLetters(): number {
    return this.#options.dead.count
  }

  /** Why nothing could be delivered when it was tried last; undefined while all is well. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** A chain is durable up to this record. On the path of commits: must not throw, and does nothing that waits. */
  hears(tenant: string, durable: number): void {
    const { tenants, cursor, directoryOf, clock } = this.#options
    let backlog = this.#backlogs.get(tenant)
    if (backlog === undefined) {
      if (tenants?.has(tenant) === false) return
      const delivered = cursor.of(tenant) ?? 0
      backlog = new Backlog(tenant, directoryOf(tenant), delivered > durable ? 0 : delivered)
      // What is durable stays, so somebody has put an older chain there: none of its records may be passed over.
      if (delivered > durable)
        this.#options.log.error('the chain is shorter than what was exported of it; all of it is sent again', {
          ...{ exporter: this.name, tenant, delivered, durable },
        })
      this.#backlogs.set(tenant, backlog)
    }
    backlog.hears(durable, clock.now())
    if (this.#isIdle) this.#wake.resolve()
  }

  /** What the chain has by now is not wanted, unless some of it was delivered before. */
  skip(tenant: string, durable: number): void {
    const { tenants, cursor } = this.#options
    if (tenants?.has(tenant) !== false && cursor.of(tenant) === undefined) cursor.move(tenant, durable)
  }

  /** How long the oldest undelivered record of a tenant has waited; 0 for a tenant that is not followed. */
  lagMs(tenant: string): number {
    return this.#backlogs.get(tenant)?.lagMs(this.#options.clock.now()) ?? 0
  }

  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'running'
    this.#running = this.#run()
  }

  /** Delivers what there is for up to `graceMs`, unless it fails at present. What is left is delivered after the next start. */
  async close(graceMs: number): Promise<void> {
    if (this.#state === 'running') this.#state = 'ending'
    this.#wake.resolve()
    const timer = setTimeout(() => this.#end(), this.#failed > 0 ? 0 : graceMs)
    await this.#running
    clearTimeout(timer)
    this.#state = 'ended'
    await this.#options.sink.close().catch(() => undefined)
    await this.#options.cursor.settled()
  }

  #end(): void {
    this.#state = 'ended'
    this.#delivery?.abort()
    this.#wake.resolve()
  }

  async #run(): Promise<void> {
    while (this.#state === 'running' || this.#state === 'ending') {
      const backlog = this.#next()
      if (backlog === undefined && this.#state === 'ending') return
      if (backlog === undefined) await this.#idle()
      else
        await this.#turn(backlog).then(
          () => this.#succeeded(),
          (thrown: unknown) => this.#failedWith(thrown, backlog),
        )
    }
  }

  /** The first chain in turn that has something; then it goes to the end of the line. */
  #next(): Backlog | undefined {
    if (this.#current !== undefined && this.#current.waiting.length > 0) return this.#current
    for (const [tenant, backlog] of this.#backlogs) {
      if (backlog.records === 0) continue
      this.#backlogs.delete(tenant)
      this.#backlogs.set(tenant, backlog)
      this.#current = backlog
      return backlog
    }
    return undefined
  }

  async #idle(): Promise<void> {
    await this.#pause(undefined)
    if (this.#state === 'running') await this.#pause(this.#options.rules.waitMs)
  }

  /** Until somebody wakes us, or for so long: then only the end does. */
  async #pause(forMs: number | undefined): Promise<void> {
    if (forMs === 0) return
    this.#wake = Promise.withResolvers()
    this.#isIdle = forMs === undefined
    const timer = forMs === undefined ? undefined : setTimeout(() => this.#wake.resolve(), forMs).unref()
    await this.#wake.promise
    clearTimeout(timer)
    this.#isIdle = false
  }

  async #turn(backlog: Backlog): Promise<void> {
    if (backlog.waiting.length === 0) await this.#read(backlog)
    const lines = backlog.alone > 0 ? backlog.waiting.slice(0, 1) : backlog.waiting
    const items = await this.#itemsOf(backlog, lines)
    if (items.length > 0) await this.#deliver(backlog.tenant, items)
    this.counts.delivered += items.length
    this.#done(backlog, lines)
  }

  async #read(backlog: Backlog): Promise<void> {
    const { maxRecords, maxBytes } = this.#options.rules
    const { lines, missing } = await backlog.reader.read({ maxRecords, maxBytes, upTo: backlog.durable })
    backlog.holds(lines)
    if (lines.length === 0) throw new Error('records of the chain cannot be found')
    // Before the first delivery it only tells that the chain is older than the exporter.
    if (missing === 0 || backlog.delivered === 0) return
    this.counts.missing += missing
    const facts = { exporter: this.name, tenant: backlog.tenant, records: missing, after: backlog.delivered }
    this.#options.log.error('records were removed before they were exported', facts)
  }

  /** Lines that cannot be understood are put aside here: no receiver could be told of them. */
  async #itemsOf({ tenant, calls }: Backlog, lines: readonly ReadLine[]): Promise<readonly Item[]> {
    const items: Item[] = []
    for (const { seq, line, record, problem } of lines) {
      if (record === undefined) {
        await this.#putAside(eventId({ tenant, seq }), line, problem ?? 'not a record')
        continue
      }
      const call = calls.join(record)
      if (this.#options.kinds?.has(record.kind) === false) continue
      const event: ExportEvent = { id: eventId(record), line, record, call }
      const texts = this.#options.format(event)
      if (texts.length > 0) items.push({ event, texts })
    }
    return items
  }

  async #deliver(tenant: string, items: readonly Item[]): Promise<void> {
    const { sink, rules } = this.#options
    const delivery = (this.#delivery = new AbortController())
    const late = Promise.withResolvers<never>()
    const tell = () => late.reject(new SinkError('the receiver did not answer in time'))
    delivery.signal.addEventListener('abort', tell, { once: true })
    const timer = setTimeout(() => delivery.abort(), rules.deadlineMs).unref()
    try {
      const delivered = sink.deliver({ tenant, items }, delivery.signal)
      delivered.catch(() => undefined)
      await Promise.race([delivered, late.promise])
    } catch (thrown) {
      // Whatever is still under way must not arrive behind what is sent next.
      if (delivery.signal.aborted) await sink.close().catch(() => undefined)
      throw thrown
    } finally {
      clearTimeout(timer)
      this.#delivery = undefined
    }
  }

  #done(backlog: Backlog, lines: readonly ReadLine[]): void {
    const { cursor, clock } = this.#options
    for (const { record } of lines) if (record !== undefined) backlog.calls.forget(record)
    backlog.drop(lines.length, clock.now())
    cursor.move(backlog.tenant, backlog.delivered)
  }

  #succeeded(): void {
    if (this.#failed > 0) this.#options.log.info('the exporter delivers again', { exporter: this.name })
    this.#failed = 0
    this.#problem = undefined
  }

  async #failedWith(thrown: unknown, backlog: Backlog): Promise<void> {
    // The end is no failure.
    if (this.#state === 'ended') return
    this.counts.failures++
    this.#problem = problemOf(thrown)
    if (this.#failed++ === 0) {
      this.#options.log.warn('the exporter cannot deliver', { exporter: this.name, problem: this.#problem })
    }
    const isRefused = thrown instanceof SinkError && thrown.refused
    if (isRefused && (await this.#isolated(backlog))) return
    // While the gateway ends nobody waits for a receiver that fails.
    if (this.#state !== 'running') return this.#end()
    await this.#pause(
      backOffMs(this.#failed, this.#options.random, thrown instanceof SinkError ? thrown.retryAfterMs : 0),
    )
  }

  /** Finds the record that is refused, by sending each alone, and puts it aside in the end. True when there is no need to wait. */
  async #isolated(backlog: Backlog): Promise<boolean> {
    const [first] = backlog.waiting
    if (first === undefined) return false
    if (backlog.alone === 0 && backlog.waiting.length > 1) {
      backlog.alone = backlog.waiting.length
      return true
    }
    backlog.alone = Math.max(1, backlog.alone)
    if (++backlog.refusals < this.#options.rules.attempts) return false
    try {
      const id = eventId(first.record ?? { tenant: backlog.tenant, seq: first.seq })
      await this.#putAside(id, first.line, this.#problem ?? 'refused')
    } catch (thrown) {
      this.#problem = problemOf(thrown)
      return false
    }
    this.#done(backlog, [first])
    return true
  }

  async #putAside(id: string, line: string, reason: string): Promise<void> {
    await this.#options.dead.add({ id, at: this.#options.clock.now(), reason, line })
    this.#options.log.error('a record was put aside', { exporter: this.name, record: id, reason })
  }
}
