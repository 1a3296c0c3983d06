/** How many accesses of a process get a record each: so many of each sort in a second, the rest of them one count. */
import type { Clock } from '../core/clock.ts'
import type { RecordedAccess } from './record.ts'

/** A program that is installed inside opens dozens of connections at once; a flood is thousands. */
const EACH_PER_WINDOW = 100
const WINDOW_MS = 1_000

export class AccessBudget {
  readonly #clock: Clock
  readonly #tell: (counts: Readonly<Record<string, number>>, durationMs: number) => void
  readonly #taken = new Map<string, number>()
  #since = 0
  #timer: NodeJS.Timeout | undefined

  /** `tell` hears how many of each sort were left out, after a window in which there were any. */
  constructor(clock: Clock, tell: (counts: Readonly<Record<string, number>>, durationMs: number) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** Whether this access may have a record of its own; otherwise it is counted. */
  takes(access: RecordedAccess): boolean {
    const now = this.#clock.now()
    if (now - this.#since >= WINDOW_MS) {
      this.#turn()
      this.#since = now
    }
    const sort = sortOf(access)
    const taken = (this.#taken.get(sort) ?? 0) + 1
    this.#taken.set(sort, taken)
    if (taken <= EACH_PER_WINDOW) return true
    this.#timer ??= setTimeout(() => this.#turn(), WINDOW_MS).unref()
    return false
  }

  /** Tells what is still untold. */
  close(): void {
    this.#turn()
  }

  #turn(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const over = [...this.#taken].filter(([, taken]) => taken > EACH_PER_WINDOW)
    this.#taken.clear()
    if (over.length === 0) return
    const counts = over.map(([sort, taken]) => [sort, taken - EACH_PER_WINDOW] as const)
    this.#tell(Object.fromEntries(counts), Math.max(0, this.#clock.now() - this.#since))
  }
}

/** A fixed set of words: what a program chooses is not in them. */
function sortOf(access: RecordedAccess): string {
  if (access.kind === 'egress') return access.allowed ? 'egress allowed' : 'egress refused'
  return access.kind === 'file' ? `file ${access.change}` : `refused ${access.wall}`
}
