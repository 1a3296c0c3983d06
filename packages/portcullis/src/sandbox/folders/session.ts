/**
 * The watched folders of one sandbox, as the thread sees them: when they are looked at, and what follows from it.
 *
 * Looks come one after the other. A notice leads to a partial look within 100 ms, a suspicion that a limit is passed to a
 * full one while the processes stand still, the end to a last full one.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'
import type { Access } from '../access.ts'
import { findExcess, roomIn } from './excess.ts'
import { freeze, thaw } from './freezer.ts'
import type { GrowthMeter, Room } from './growth.ts'
import { filesUnderWay, heldBytes } from './held-files.ts'
import { birthOf, killAll } from './members.ts'
import type { FolderUsage, SessionRequest, WatchedPath } from './messages.ts'
import { readable } from './names.ts'
import { Reports } from './reports.ts'
import { SingleFile } from './single-file.ts'
import { WatchedFolder } from './watched-folder.ts'

export interface SessionParts {
  readonly request: SessionRequest
  readonly meter: GrowthMeter
  readonly clock: Clock
  /** A full look that takes no longer is not worth sparing. Default: 25. */
  readonly cheapLookMs?: number
  /** See `WatchesOptions`. */
  readonly maxNotices?: number
  readonly onAccesses: (accesses: readonly Access[]) => void
  readonly onUsage: (usage: FolderUsage) => void
  /** The processes were killed. They stand still, where the host can do that, until `letGo`. */
  readonly onExceeded: () => void
  /** Notices of every session in this thread may have been lost. */
  readonly onFlood: () => void
}

const REPORTS_PER_MINUTE = 10_000
const COALESCE_MS = 100
/** A full look finds writes through mappings too, which no notice tells. */
const CHEAP_LOOK_MS = 25
/** Where notices are not to be had, full looks take at most a fiftieth of the time. */
const POLL = { share: 50, shortestMs: 500, longestMs: 60_000 }
/** After a check that the writing of others has caused, the processes run four times as long as they stood still. */
const FUTILE_SHARE = 4
/** The sandbox itself would have used up its room. */
const isFutile = (before: Room, after: Room) => after.bytes > before.bytes / 2 && after.files > before.files / 2

export class Session {
  readonly #parts: SessionParts
  readonly #folders: readonly WatchedFolder[]
  readonly #files: readonly SingleFile[]
  readonly #reports: Reports
  readonly #birth: string
  readonly #said = new Set<string>()
  readonly #timers = new Map<'notice' | 'poll' | 'settle', NodeJS.Timeout>()
  #queue: Promise<void> = Promise.resolve()
  #lookMs = 0
  #held: ReadonlyMap<number, number> = new Map()
  #state: 'open' | 'exceeded' | 'over' = 'open'

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#reports = new Reports(REPORTS_PER_MINUTE, parts.clock)
    const { paths, members } = parts.request
    this.#birth = birthOf(members.initPid)
    this.#folders = paths.filter(({ kind }) => kind === 'folder').map((path) => this.#openFolder(path))
    this.#files = paths.filter(({ kind }) => kind === 'file').map((path) => this.#openFile(path))
  }

  get usage(): FolderUsage {
    const sizes = this.#folders.map(({ measured }) => measured.size)
    return {
      diskBytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
      diskFiles: sizes.reduce((sum, { files }) => sum + files, 0),
    }
  }

  /** The first look. Resolves with why the folders cannot be used, or undefined. */
  async open(): Promise<string | undefined> {
    const first = this.#lookEverywhere().then(() => this.#settle())
    this.#queue = first.catch(() => {})
    await first
    return this.#excess()
  }

  /** Resolves when what was done before the call is reported. */
  async flush(): Promise<void> {
    await nextTurn() // notices that the kernel holds are taken in the next turn
    await nextTurn()
    await this.#enqueue(async () => {
      if (this.#lookMs <= (this.#parts.cheapLookMs ?? CHEAP_LOOK_MS)) await this.#lookAndSettle()
      else await this.#lookWhereNoted()
    })
  }

  /** The last look, when the processes are gone. Resolves when everything is reported and closed. */
  async end(): Promise<void> {
    await this.#enqueue(async () => {
      this.#held = new Map()
      await this.#lookEverywhere()
      const excess = this.#excess()
      if (excess !== undefined) this.#exceed(excess)
      this.#send('at the end')
    })
    this.close()
  }

  /** Gives up everything. Idempotent. */
  close(): void {
    this.#state = 'over'
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.letGo()
    for (const folder of this.#folders) folder.close()
  }

  /** Frozen processes may move again: they are within their limits, or were killed and can only die when they move. */
  letGo(): void {
    if (this.#parts.request.freezer !== undefined) thaw(this.#parts.request.freezer)
  }

  /** Notices may have been lost. */
  doubt(): void {
    this.#after(COALESCE_MS, 'notice', () => this.#lookAndSettle())
  }

  #openFolder(path: WatchedPath): WatchedFolder {
    const { clock, meter, request } = this.#parts
    return new WatchedFolder(path, {
      hidden: new Set(request.hidden),
      clock,
      meter,
      maxNotices: this.#parts.maxNotices,
      isHeard: () => request.listsChanges && this.#reports.hasRoom,
      onChange: (change) => this.#reports.add(change),
      onNotice: () => this.#after(COALESCE_MS, 'notice', () => this.#lookWhereNoted()),
      onLoss: (cause) => {
        if (cause === 'flood') this.#parts.onFlood()
        this.#poll()
      },
      onSuspicion: () => void this.#enqueue(() => this.#check()),
    })
  }

  #openFile({ descriptor, shown }: WatchedPath): SingleFile {
    const onChange = this.#reports.add.bind(this.#reports)
    return new SingleFile({ descriptor, shown: readable(shown), clock: this.#parts.clock, onChange })
  }

  async #lookEverywhere(): Promise<void> {
    const started = performance.now()
    for (const folder of this.#folders) await folder.lookEverywhere()
    for (const file of this.#files) file.refresh()
    this.#lookMs = performance.now() - started
    for (const { caveat } of this.#folders) if (caveat !== undefined) this.#sayOnce(caveat)
  }

  async #lookAndSettle(): Promise<void> {
    await this.#lookEverywhere()
    if (this.#excess() === undefined) this.#settle()
    else await this.#check()
  }

  async #lookWhereNoted(): Promise<void> {
    for (const folder of this.#folders) await folder.lookWhereNoted()
    for (const file of this.#files) file.refresh()
    if (this.#excess() !== undefined) await this.#check()
  }

  /** Counts while nothing moves, so that what is found is what there is. */
  async #check(): Promise<void> {
    if (this.#state !== 'open') return
    const { freezer, members } = this.#parts.request
    const before = this.#rooms()
    const started = performance.now()
    if (freezer !== undefined) await freeze(freezer)
    await this.#lookEverywhere()
    if (this.#excess() === undefined) this.#held = heldBytes(members) // the slower look, so it comes second
    const excess = this.#excess()
    if (excess !== undefined) return this.#exceed(excess)
    const rooms = this.#rooms()
    const isUnexplained = before.every((room, index) => isFutile(room, rooms[index] ?? room))
    if (isUnexplained && filesUnderWay(members) > 0) return this.#exceed('open files under way cannot be measured')
    this.letGo()
    const stoodMs = performance.now() - started
    if (isUnexplained) this.#after(stoodMs * FUTILE_SHARE, 'settle', async () => this.#settle())
    else this.#settle()
  }

  #excess(): string | undefined {
    return findExcess(
      this.#folders.map(({ measured }) => measured),
      this.#held,
    )
  }

  #rooms(): readonly Room[] {
    const all = this.#folders.map(({ measured }) => measured)
    return all.map((folder) => roomIn(folder, all, this.#held))
  }

  #settle(): void {
    const rooms = this.#rooms()
    this.#folders.forEach((folder, index) => {
      const room = rooms[index]
      if (room !== undefined) folder.settle(room)
    })
  }

  #exceed(what: string): void {
    if (this.#state !== 'open') return
    this.#state = 'exceeded'
    killAll(this.#parts.request.members, this.#birth)
    this.#reports.say('disk', what)
    this.#parts.onExceeded()
  }

  #poll(): void {
    const waitMs = Math.min(Math.max(this.#lookMs * POLL.share, POLL.shortestMs), POLL.longestMs)
    this.#after(waitMs, 'poll', async () => {
      await this.#lookAndSettle()
      if (this.#folders.some(({ isWatching }) => !isWatching)) this.#poll()
    })
  }

  /** A timer of a name that is set already stays as it is. */
  #after(waitMs: number, name: 'notice' | 'poll' | 'settle', look: () => Promise<void>): void {
    if (this.#timers.has(name) || this.#state === 'over') return
    const run = () => {
      this.#timers.delete(name)
      void this.#enqueue(look)
    }
    this.#timers.set(name, setTimeout(run, waitMs))
  }

  /** A look that fails is a limit that cannot be held. */
  #enqueue(look: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(async () => {
      if (this.#state === 'over') return
      await look().catch((problem: Error) => this.#exceed(`the folders cannot be measured: ${problem.message}`))
      this.#send()
    })
    return this.#queue
  }

  #sayOnce(what: string): void {
    if (this.#said.has(what) || this.#said.size > 100) return
    this.#said.add(what)
    this.#reports.say('file', what)
  }

  #send(when: 'now' | 'at the end' = 'now'): void {
    const accesses = this.#reports.take(when)
    const { listsChanges } = this.#parts.request
    const heard = listsChanges ? accesses : accesses.filter(({ kind }) => kind !== 'file')
    if (heard.length > 0) this.#parts.onAccesses(heard)
    this.#parts.onUsage(this.usage)
  }
}
