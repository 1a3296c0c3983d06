/** One writable folder: what is in it, the notices of it, and the guard of its limit, held together. */
import { fstatSync } from 'node:fs'
import type { Clock } from '../../core/clock.ts'
import type { FileAccess } from '../access.ts'
import { baseOf } from './descent.ts'
import { isLimited, type Measured } from './excess.ts'
import { FolderIndex } from './folder-index.ts'
import type { GrowthGuard, GrowthMeter, Room } from './growth.ts'
import type { WatchedPath } from './messages.ts'
import { readable } from './names.ts'
import { Watches } from './watches.ts'

export interface WatchedFolderParts {
  readonly hidden: ReadonlySet<string>
  readonly clock: Clock
  readonly meter: GrowthMeter
  readonly onChange: (change: FileAccess) => void
  readonly isHeard: () => boolean
  readonly maxNotices?: number | undefined
  /** Something happened in it. */
  readonly onNotice: () => void
  /** Notices are not to be had for a while; after a flood, those of other folders were lost too. */
  readonly onLoss: (cause: 'flood' | 'limit') => void
  /** The limit may have been passed. */
  readonly onSuspicion: () => void
}

/** Remembered entries: about 30 MB. */
const MAX_ENTRIES = 131_072
const MAX_WATCHED_FOLDERS = 8192
const PAUSE_MS = { first: 2000, longest: 60_000 }

export class WatchedFolder {
  readonly #path: WatchedPath
  readonly #device: number
  readonly #index: FolderIndex
  readonly #watches: Watches
  readonly #guard: GrowthGuard | undefined
  #mark: Room | undefined
  #pauseMs = PAUSE_MS.first
  #pauseEnd = 0

  constructor(path: WatchedPath, parts: WatchedFolderParts) {
    this.#path = path
    this.#device = fstatSync(path.descriptor).dev
    this.#watches = new Watches({
      maxFolders: MAX_WATCHED_FOLDERS,
      maxNotices: parts.maxNotices,
      onNotice: parts.onNotice,
      onLoss: (cause) => this.#pause(cause, parts.onLoss),
    })
    this.#index = new FolderIndex({
      descriptor: path.descriptor,
      shown: readable(path.shown),
      hidden: parts.hidden,
      clock: parts.clock,
      maxEntries: MAX_ENTRIES,
      isHeard: parts.isHeard,
      onChange: parts.onChange,
      onEnter: (node, base) => this.#watches.add(node, base),
      onForget: (node) => this.#watches.remove(node),
    })
    const guarded = { base: baseOf(path.descriptor), device: this.#device, onSuspicion: parts.onSuspicion }
    this.#guard = isLimited(path) ? parts.meter.guard(guarded) : undefined
  }

  get measured(): Measured {
    const { size, blindSpot } = this.#index
    return { shown: this.#path.shown, limits: this.#path.limits, device: this.#device, size, blindSpot }
  }

  /** False: only full looks find changes. */
  get isWatching(): boolean {
    return this.#watches.isWatching
  }

  /** What operators should know of the last look. */
  get caveat(): string | undefined {
    if (!this.#index.isPartial) return this.#index.blindSpot
    return `${readable(this.#path.shown)} has more than ${MAX_ENTRIES} files; the changes of the others are not listed`
  }

  async lookEverywhere(): Promise<void> {
    if (!this.isWatching && performance.now() > this.#pauseEnd) this.#watches.restart()
    this.#mark = this.#guard?.mark()
    this.#watches.take()
    await this.#index.refreshAll()
  }

  async lookWhereNoted(): Promise<void> {
    for (const [node, names] of this.#watches.take()) await this.#index.refreshSome(node, names)
  }

  /** There was this much room before the last full look. */
  settle(room: Room): void {
    if (this.#mark !== undefined) this.#guard?.settle(room, this.#mark)
  }

  close(): void {
    this.#guard?.end()
    this.#watches.stop()
    this.#index.close()
  }

  #pause(cause: 'flood' | 'limit', onLoss: (cause: 'flood' | 'limit') => void): void {
    this.#pauseEnd = cause === 'limit' ? Number.POSITIVE_INFINITY : performance.now() + this.#pauseMs
    this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MS.longest)
    onLoss(cause)
  }
}
