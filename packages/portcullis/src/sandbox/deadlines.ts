/** Three clocks of one process: until it first speaks, from start to end, and without a word. */
import type { KillReason, Limits } from './driver.ts'

export class Deadlines {
  readonly #timers: NodeJS.Timeout[] = []
  #start: NodeJS.Timeout | undefined
  #idle: NodeJS.Timeout | undefined

  constructor(limits: Pick<Limits, 'startMs' | 'lifeMs' | 'idleMs'>, onExpire: (reason: KillReason) => void) {
    const arm = (milliseconds: number | undefined, reason: KillReason) => {
      if (milliseconds === undefined) return undefined
      const timer = setTimeout(onExpire, milliseconds, reason).unref()
      this.#timers.push(timer)
      return timer
    }
    arm(limits.lifeMs, 'life-deadline')
    this.#start = arm(limits.startMs, 'start-deadline')
    this.#idle = arm(limits.idleMs, 'idle-deadline')
  }

  /** A complete line came out. Bytes without a newline do not count, or one byte a second would live forever. */
  spoke(): void {
    if (this.#start !== undefined) {
      clearTimeout(this.#start)
      this.#start = undefined
    }
    this.#idle?.refresh()
  }

  /** A line went in. */
  heard(): void {
    this.#idle?.refresh()
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#idle = undefined
  }
}
