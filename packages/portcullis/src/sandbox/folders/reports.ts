/** How many changes of one sandbox reach the audit trail: the first ones of each minute, and the number of the others. */
import type { Clock } from '../../core/clock.ts'
import type { Access, FileAccess } from '../access.ts'

const MINUTE_MS = 60_000

export class Reports {
  readonly #perMinute: number
  readonly #clock: Clock
  #pending: Access[] = []
  #minuteEnd = 0
  #left = 0
  #unlisted = 0

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute
    this.#clock = clock
  }

  /** False: the next change will only be counted. */
  get hasRoom(): boolean {
    const now = this.#clock.now()
    if (now >= this.#minuteEnd || now < this.#minuteEnd - MINUTE_MS) {
      this.#minuteEnd = now + MINUTE_MS
      this.#left = this.#perMinute
    }
    return this.#left > 0
  }

  add(change: FileAccess): void {
    if (!this.hasRoom) this.#unlisted++
    else {
      this.#left--
      this.#pending.push(change)
    }
  }

  /** Something that is said whatever was said before; the caller sees to it that it comes rarely. */
  say(wall: 'disk' | 'file', what: string): void {
    this.#pending.push({ kind: 'refused', wall, what })
  }

  /** What is to be passed on now. The number of the others is told once a minute, and at the end. */
  take(when: 'now' | 'at the end' = 'now'): readonly Access[] {
    if (this.#unlisted > 0 && (when === 'at the end' || this.#clock.now() >= this.#minuteEnd)) {
      this.say('file', `${this.#unlisted} more changes of files are not listed`)
      this.#unlisted = 0
    }
    const taken = this.#pending
    this.#pending = []
    return taken
  }
}
