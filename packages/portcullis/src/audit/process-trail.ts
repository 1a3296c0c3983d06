/** What one sandboxed process does, as records: bounded in number, tied to the call, and an end for it when they cannot be written. */
import type { Clock } from '../core/clock.ts'
import { AccessBudget } from './access-budget.ts'
import { CallTimes } from './call-times.ts'
import type { Ledger } from './ledger.ts'
import type { Doer, ProcessBody, RecordBody, RecordedAccess } from './record.ts'

export interface ProcessTrailOptions {
  readonly ledger: Pick<Ledger, 'append'>
  readonly clock: Clock
  /** Whose process it is. Asked at each record, because a process that waits for its first caller is nobody's yet. */
  readonly doer: () => Doer & { readonly tenant: string }
  /** Called once, when a record could not be written. What cannot be recorded must not go on. */
  readonly onBroken: (cause: unknown) => void
}

export type ProcessEnd = Pick<ProcessBody, 'reason' | 'code' | 'signal' | 'usage'>

export class ProcessTrail {
  readonly #options: ProcessTrailOptions
  readonly #budget: AccessBudget
  readonly #calls = new CallTimes()
  readonly #startedAt: number
  #written: Promise<void> = Promise.resolve()
  #broken = false

  constructor(options: ProcessTrailOptions) {
    this.#options = options
    this.#startedAt = options.clock.now()
    this.#budget = new AccessBudget(options.clock, (counts, durationMs) =>
      this.#append((doer) => ({ kind: 'accesses', ...doer, durationMs, counts })),
    )
  }

  /** Something could not be recorded, and `onBroken` has heard of it. */
  get isBroken(): boolean {
    return this.#broken
  }

  started(driver: string, enforcement: ProcessBody['enforcement']): void {
    this.#append((doer) => ({
      kind: 'process',
      ...doer,
      event: 'started',
      driver,
      ...(enforcement && { enforcement }),
    }))
  }

  /** Never throws. What exceeds the budget is counted and told together. */
  access(access: RecordedAccess): void {
    if (!this.#budget.takes(access)) return
    const incident = this.#callOf(access)
    const clipped = clipPath(access)
    this.#append((doer) => ({ kind: 'access', ...(incident !== undefined && { incident }), ...doer, access: clipped }))
  }

  /** A call has been given to the process. */
  begin(incident: string): void {
    this.#calls.begin(incident, this.#options.clock.now())
  }

  /**
   * The response of the call is there. What `look` finds is still of the call; what happens from now on is not. Resolves
   * when everything so far is durable. Rejects with the fault `audit.unavailable`, and as `look` does.
   */
  async end(incident: string, look: () => Promise<void>): Promise<void> {
    const at = this.#options.clock.now()
    try {
      await look()
    } finally {
      this.#calls.end(incident, at)
    }
    await this.#written
  }

  /** Resolves when everything so far is durable. Rejects with the fault `audit.unavailable`. */
  settled(): Promise<void> {
    return this.#written
  }

  /** The last record of the process. Rejects as `settled` does. */
  ended(driver: string, end: ProcessEnd): Promise<void> {
    this.#budget.close()
    const durationMs = this.#options.clock.now() - this.#startedAt
    this.#append((doer) => ({ kind: 'process', ...doer, event: 'ended', driver, ...end, durationMs }))
    return this.#written
  }

  #callOf(access: RecordedAccess): string | undefined {
    const now = this.#options.clock.now()
    if (access.kind === 'refused' && access.withinMs !== undefined) return this.#calls.met(now - access.withinMs, now)
    const durationMs = access.kind === 'egress' ? (access.durationMs ?? 0) : 0
    return this.#calls.only(now - durationMs, now)
  }

  #append(body: (doer: Doer) => RecordBody): void {
    const { tenant, ...doer } = this.#options.doer()
    // A chain keeps the order, so the last record stands for those before it, but one that failed stays failed.
    const before = this.#written
    const written = this.#options.ledger.append(tenant, body(doer))
    this.#written = Promise.all([before, written]).then(() => {})
    this.#written.catch((cause: unknown) => this.#break(cause))
  }

  #break(cause: unknown): void {
    if (this.#broken) return
    this.#broken = true
    this.#options.onBroken(cause)
  }
}

/** The end of a path tells more than its beginning. */
const MAX_PATH_LENGTH = 1024

const clipPath = (access: RecordedAccess): RecordedAccess =>
  access.kind === 'file' && access.path.length > MAX_PATH_LENGTH
    ? { ...access, path: `…${access.path.slice(1 - MAX_PATH_LENGTH)}` }
    : access
