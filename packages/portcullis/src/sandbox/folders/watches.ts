/**
 * Where something happened in the folders of one sandbox, as the kernel tells it (inotify, through `fs.watch`).
 *
 * Notices are a hint, never the truth: they are coalesced, they may be lost, and whoever writes inside decides how many
 * there are. A flood of them ends the watching for a while, and the folders are looked through instead.
 */
import { watch } from 'node:fs'
import { basename } from 'node:path'
import type { FolderNode } from './nodes.ts'

export interface WatchesOptions {
  readonly maxFolders: number
  /** In two seconds; more are a flood. Default: 8192. */
  readonly maxNotices?: number | undefined
  /** Something happened, for the first time since `take`. */
  readonly onNotice: () => void
  /** Notices cannot be relied upon any more; `stop` was called. After a flood, those of other folders are lost too. */
  readonly onLoss: (cause: 'flood' | 'limit') => void
}

/** The kernel queues 16,384 for all folders of a thread together and drops the rest in silence (inotify(7)). */
const MAX_NOTICES = { one: 8192, all: 12_288 }
const WINDOW_MS = 2000

/** How many there were in the window. */
class Rate {
  #windowEnd = 0
  #notices = 0

  next(): number {
    const now = performance.now()
    if (now > this.#windowEnd) {
      this.#windowEnd = now + WINDOW_MS
      this.#notices = 0
    }
    return ++this.#notices
  }
}

const rateOfAll = new Rate()

export class Watches {
  readonly #options: WatchesOptions
  readonly #watched = new Set<FolderNode>()
  #noted = new Map<FolderNode, Set<string>>()
  #isWatching = true
  readonly #rate = new Rate()

  constructor(options: WatchesOptions) {
    this.#options = options
  }

  /** False: changes do not show here, so look everywhere. */
  get isWatching(): boolean {
    return this.#isWatching
  }

  /** Watches a folder, given as a path that means it and nothing else. Watching ends when the host allows no more. */
  add(node: FolderNode, base: string): void {
    if (!this.#isWatching || node.watch !== undefined) return
    if (this.#watched.size >= this.#options.maxFolders) return this.#lose('limit')
    try {
      const options = { encoding: 'latin1' as BufferEncoding, persistent: false }
      node.watch = watch(base, options, (event, name) => {
        if (event === 'rename' && name === basename(base)) this.#doubt(node)
        this.#note(node, name)
      })
      node.watch.on('error', () => this.#lose('limit'))
      this.#watched.add(node)
    } catch {
      this.#lose('limit') // as many as this user may have: fs.inotify.max_user_watches, max_user_instances
    }
  }

  remove(node: FolderNode): void {
    node.watch?.close()
    node.watch = undefined
    this.#watched.delete(node)
    this.#noted.delete(node)
  }

  /** The places of which something was heard, and forgets them. */
  take(): ReadonlyMap<FolderNode, ReadonlySet<string>> {
    const noted = this.#noted
    this.#noted = new Map()
    return noted
  }

  /** Ends all watches. */
  stop(): void {
    this.#isWatching = false
    for (const node of this.#watched) this.remove(node)
    this.#noted.clear()
  }

  /** Lets `add` work again; the caller then looks through everything. */
  restart(): void {
    this.#isWatching = true
  }

  #note(node: FolderNode, name: string | null): void {
    if (!this.#watched.has(node)) return
    if (this.#isFlood()) return this.#lose('flood')
    if (name === null) return
    const isFirst = this.#noted.size === 0
    const names = this.#noted.get(node) ?? new Set()
    this.#noted.set(node, names.add(name))
    if (isFirst) this.#options.onNotice()
  }

  /** What happens to a watched folder itself is told under the name that it was watched by. */
  #doubt(node: FolderNode): void {
    node.isDoubtful = true
    node.watch?.close()
    node.watch = undefined
    this.#watched.delete(node)
    if (node.parent !== undefined) this.#note(node.parent, node.name)
  }

  /** Whoever overflows the kernel's queue is seen here too: what had been queued by then comes at once. */
  #isFlood(): boolean {
    const [one, all] = [this.#rate.next(), rateOfAll.next()]
    return one > (this.#options.maxNotices ?? MAX_NOTICES.one) || all > MAX_NOTICES.all
  }

  #lose(cause: 'flood' | 'limit'): void {
    this.stop()
    this.#options.onLoss(cause)
  }
}
