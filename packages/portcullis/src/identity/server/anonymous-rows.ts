/** Decides how much may lie in the store that somebody has left there of whom nobody knows who it is. */
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import type { GrantStore } from './grant-store.ts'

export interface AnonymousRowsParts {
  readonly grants: Pick<GrantStore, 'count' | 'sweep'>
  readonly clock: Clock
  /** Of entries, as the store calls them. */
  readonly kind: string
  readonly most?: number
}

/** Some thirty megabytes. People who sign in leave one or two, for a quarter of an hour. */
const MOST = 50_000
/** Other nodes add to them too. */
const RECOUNT_MS = 5_000

export class AnonymousRows {
  readonly #parts: AnonymousRowsParts
  #estimate = 0
  #countedAt = Number.NEGATIVE_INFINITY
  #counting: Promise<void> | undefined

  constructor(parts: AnonymousRowsParts) {
    this.#parts = parts
  }

  /** Before one is added. Rejects with `identity.unavailable` when there are too many: what is refused leaves nothing. */
  async requireRoom(): Promise<void> {
    const { clock, kind, most = MOST } = this.#parts
    if (clock.now() - this.#countedAt >= RECOUNT_MS) await (this.#counting ??= this.#count())
    if (this.#estimate >= most)
      throw new Fault('identity.unavailable', { reason: 'too many unfinished sign-ins', kind })
    this.#estimate += 1
  }

  /** What is over does not count. */
  async #count(): Promise<void> {
    const { grants, clock, kind, most = MOST } = this.#parts
    try {
      const counted = await grants.count(kind)
      if (counted >= most) await grants.sweep(clock.now())
      this.#estimate = counted >= most ? await grants.count(kind) : counted
      this.#countedAt = clock.now()
    } finally {
      this.#counting = undefined
    }
  }
}
