/**
 * How it is noticed early that a folder may have outgrown its limit: by what its whole file system gains.
 *
 * One statfs(2) for each file system, as often as the fastest writer needs to use up what is left. It can only be too
 * cautious: growth by others counts as well, and what they free is not set off. Then the folder is counted to know.
 */
import { statfsSync } from 'node:fs'

/** An amount of bytes and of files: what is left until a limit, infinite without one, or what was gained. */
export interface Room {
  readonly bytes: number
  readonly files: number
}

export interface GuardOptions {
  /** A path on the file system, and its device number. */
  readonly base: string
  readonly device: number
  /** Called once after each `settle`, when the room may be used up. */
  readonly onSuspicion: () => void
}

export interface GrowthGuard {
  /** A mark: everything gained so far. Make one before a count, and hand it to `settle` after. */
  mark(): Room
  /** There was this much room at the mark. */
  settle(room: Room, mark: Room): void
  end(): void
}

/** What one sandbox was measured to write at most, with some to spare: bytes and new files in a millisecond. */
const FASTEST: Room = { bytes: 4 << 20, files: 400 }
const SHORTEST_MS = 1
const LONGEST_MS = 250

export class GrowthMeter {
  readonly #guards = new Set<Guard>()
  #timer: NodeJS.Timeout | undefined
  #due = Number.POSITIVE_INFINITY

  /** Suspects nothing before the first `settle`. */
  guard(options: GuardOptions): GrowthGuard {
    const guard = new Guard(options, used(options.base))
    this.#guards.add(guard)
    return {
      mark: () => guard.notice(used(options.base)),
      settle: (room, mark) => {
        guard.settle(room, mark)
        this.#schedule(guard.waitMs)
      },
      end: () => this.#guards.delete(guard),
    }
  }

  #tick(): void {
    this.#due = Number.POSITIVE_INFINITY
    const awake = [...this.#guards].filter(({ isAsleep }) => !isAsleep)
    for (const guards of Map.groupBy(awake, ({ device }) => device).values()) {
      const now = used(guards[0]?.base ?? '/')
      for (const guard of guards) {
        guard.notice(now)
        if (!guard.suspects()) this.#schedule(guard.waitMs)
      }
    }
  }

  #schedule(waitMs: number): void {
    const at = performance.now() + waitMs
    if (at >= this.#due) return
    clearTimeout(this.#timer)
    this.#due = at
    this.#timer = setTimeout(() => this.#tick(), waitMs)
  }
}

class Guard {
  readonly base: string
  readonly device: number
  /** True from a suspicion until it is settled, and before the first count. */
  isAsleep = true
  readonly #onSuspicion: () => void
  #last: Room
  #gained: Room = { bytes: 0, files: 0 }
  #limit: Room = { bytes: Number.POSITIVE_INFINITY, files: Number.POSITIVE_INFINITY }

  constructor({ base, device, onSuspicion }: GuardOptions, now: Room) {
    this.base = base
    this.device = device
    this.#onSuspicion = onSuspicion
    this.#last = now
  }

  /** Half of the time that the fastest writer needs for what is left. */
  get waitMs(): number {
    const bytesMs = (this.#limit.bytes - this.#gained.bytes) / FASTEST.bytes
    const filesMs = (this.#limit.files - this.#gained.files) / FASTEST.files
    return Math.min(Math.max(Math.min(bytesMs, filesMs) / 2, SHORTEST_MS), LONGEST_MS)
  }

  notice(now: Room): Room {
    this.#gained = {
      bytes: this.#gained.bytes + Math.max(0, now.bytes - this.#last.bytes),
      files: this.#gained.files + Math.max(0, now.files - this.#last.files),
    }
    this.#last = now
    return this.#gained
  }

  settle(room: Room, mark: Room): void {
    this.#limit = { bytes: mark.bytes + room.bytes, files: mark.files + room.files }
    this.isAsleep = false
  }

  suspects(): boolean {
    if (this.#gained.bytes <= this.#limit.bytes && this.#gained.files <= this.#limit.files) return false
    this.isAsleep = true
    this.#onSuspicion()
    return true
  }
}

function used(base: string): Room {
  const { blocks, bfree, bsize, files, ffree } = statfsSync(base)
  return { bytes: (blocks - bfree) * bsize, files: files - ffree }
}
