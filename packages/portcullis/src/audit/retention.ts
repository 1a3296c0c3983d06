import { readdirSync, unlinkSync } from 'node:fs'
import type { Clock } from '../core/clock.ts'
import { syncDirectory } from './append-file.ts'
import type { LegalHold } from './legal-hold.ts'
import { segmentsOf } from './lines.ts'
import { payloadFilesOf, trimPayloads } from './payload-trim.ts'
import type { RecordBody } from './record.ts'
import { lastCheckpoint, lastRecord, type Removal, removalBody } from './removal.ts'
import {
  type Due,
  dueOf,
  payloadBytes,
  type RetentionRule,
  type Segment,
  segmentsIn,
  tenantIn,
} from './retention-due.ts'
import type { SegmentGuard } from './retention-guard.ts'

/**
 * Decides when whole old segments of a chain are removed, and leaves behind what proves the rest.
 *
 * First a record in the chain says where it will begin; only when a checkpoint has signed that record is the file removed.
 * So a chain whose beginning is gone without such a record was shortened by somebody else. Nothing is removed while a
 * legal hold stands, while somebody still needs it, or for a day after the clock has jumped, while we ran or before.
 */
export interface RetentionOptions {
  /** Folder that holds one folder for each chain. */
  readonly directory: string
  /** Undefined: everything of this tenant is kept. */
  readonly ruleOf: (tenant: string) => RetentionRule | undefined
  readonly ledger: RetentionLedger
  /** Of the tenant whose chain lies in `directory`. What it throws counts as a hold. */
  readonly holdsIn: (directory: string) => readonly LegalHold[]
  readonly guards: readonly SegmentGuard[]
  readonly clock: Clock
  /** Milliseconds that no clock can change. */
  readonly uptimeMs: () => number
  /** How long nothing was recorded before this start; a clock that is far ahead since then looks like a long rest. */
  readonly quietMs?: number
  readonly onProblem: (directory: string, problem: unknown) => void
}

export interface RetentionLedger {
  append(tenant: string, body: RecordBody): Promise<void>
  /** The next record, and the next payload, begin another file. */
  endSegment(tenant: string): void
}

const DAY_MS = 86_400_000
const EVERY_MS = 60_000
/** Until what was announced is signed. */
const PENDING_MS = 2_000
const JUMP_MS = 3_600_000
const LONG_REST_MS = 7 * DAY_MS

/** Announced, and not yet gone. */
interface Pending {
  readonly removals: readonly Removal[]
  /** A sequence number that the announcements are not behind. */
  readonly announcedBy: number
  /** The payload files that were there then. */
  readonly payloadFiles: readonly string[]
}

export class Retention {
  readonly #options: RetentionOptions
  readonly #pending = new Map<string, Pending>()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #offsetMs: number
  #restUntilMs = 0
  #closed = false

  constructor(options: RetentionOptions) {
    this.#options = options
    this.#offsetMs = options.clock.now() - options.uptimeMs()
    if ((options.quietMs ?? 0) > LONG_REST_MS) this.#rest('nothing was recorded for long before this start')
  }

  /** Looks at once, and from then on. */
  start(): void {
    void this.sweep().then(() => {
      if (this.#closed) return
      this.#timer = setTimeout(() => this.start(), this.#pending.size > 0 ? PENDING_MS : EVERY_MS).unref()
    })
  }

  /** Announces what is due, and removes what was announced under a signature. One at a time. Never rejects. */
  sweep(): Promise<void> {
    const { directory, onProblem } = this.#options
    return (this.#running ??= this.#sweep()
      .catch((error: unknown) => onProblem(directory, error))
      .finally(() => {
        this.#running = undefined
      }))
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#running
  }

  async #sweep(): Promise<void> {
    const { directory, onProblem } = this.#options
    if (this.#hasJumped()) return
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const chain = `${directory}/${entry.name}`
      if (entry.isDirectory() && !this.#closed)
        await this.#look(chain).catch((error: unknown) => onProblem(chain, error))
    }
  }

  /** A clock that is a year ahead for a minute must not cost a year of evidence. */
  #hasJumped(): boolean {
    const { clock, uptimeMs } = this.#options
    const offsetMs = clock.now() - uptimeMs()
    const isNews = Math.abs(offsetMs - this.#offsetMs) > JUMP_MS
    if (isNews) this.#rest('the clock has jumped')
    this.#offsetMs = offsetMs
    return uptimeMs() < this.#restUntilMs
  }

  #rest(why: string): void {
    const { uptimeMs, directory, onProblem } = this.#options
    this.#restUntilMs = uptimeMs() + DAY_MS
    onProblem(directory, new Error(`${why}; for a day no audit records are removed`))
  }

  async #look(chain: string): Promise<void> {
    const { ruleOf, ledger } = this.#options
    const tenant = tenantIn(chain)
    const rule = tenant === undefined ? undefined : ruleOf(tenant)
    if (tenant === undefined || rule === undefined) return
    const announced = this.#pending.get(chain)
    if (announced !== undefined) return this.#remove(chain, tenant, announced)
    const segments = await segmentsIn(chain)
    if (this.#isOld(segments.at(-1), rule)) ledger.endSegment(tenant)
    await this.#announce(chain, tenant, dueOf(segments, rule, this.#options.clock.now(), payloadBytes(chain)))
  }

  /** Low traffic would keep one segment open for years: it ends after a quarter of the time, and at the latest after a day. */
  #isOld(newest: Segment | undefined, { days }: RetentionRule): boolean {
    if (newest === undefined || days === undefined) return false
    return this.#options.clock.now() - newest.firstAt > Math.min(DAY_MS, (days * DAY_MS) / 4)
  }

  async #announce(chain: string, tenant: string, due: readonly Due[]): Promise<void> {
    if (due.length === 0 || this.#isHeld(chain)) return
    const removals: Removal[] = []
    for (const { name, reason } of due) {
      const last = lastRecord(`${chain}/${name}`)
      if (last === undefined || this.#isNeeded(tenant, last.seq)) break
      const removal = { segment: name, from: { sequence: last.seq, hash: last.hash }, reason } as const
      await this.#options.ledger.append(tenant, removalBody(removal))
      removals.push(removal)
    }
    if (removals.length === 0) return
    const announcedBy = lastRecord(`${chain}/${segmentsOf(chain).at(-1)}`)?.seq ?? Number.POSITIVE_INFINITY
    this.#pending.set(chain, { removals, announcedBy, payloadFiles: payloadFilesOf(chain) })
  }

  #isNeeded(tenant: string, sequence: number): boolean {
    return this.#options.guards.some((guard) => (guard.oldestNeeded(tenant) ?? Infinity) <= sequence)
  }

  /** What was announced is looked at once more: a hold may have come meanwhile. */
  async #remove(chain: string, tenant: string, announced: Pending): Promise<void> {
    if (lastCheckpoint(chain) <= announced.announcedBy) return
    this.#pending.delete(chain)
    for (const { segment, from } of announced.removals) {
      if (this.#isHeld(chain) || this.#isNeeded(tenant, from.sequence)) return
      const [oldest, another] = segmentsOf(chain)
      if (oldest !== segment || another === undefined) return
      unlinkSync(`${chain}/${segment}`)
      // One after the other, so that whatever a crash leaves begins where a record says.
      await syncDirectory(chain)
    }
    await trimPayloads(chain, announced.payloadFiles, () => this.#isHeld(chain))
  }

  /** Asked right before each file goes: a hold may come while others do. */
  #isHeld(chain: string): boolean {
    return this.#options.holdsIn(chain).length > 0
  }
}
