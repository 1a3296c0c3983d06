/**
 * What is in one writable folder, and what has changed since the last look.
 *
 * A full look counts everything and remembers a bounded number of entries; a partial look goes where something happened.
 */
import { type Dir, fstatSync, type Stats } from 'node:fs'
import type { Clock } from '../../core/clock.ts'
import type { FileAccess } from '../access.ts'
import { baseOf, type HeldFolder, isOutOfReach, letGo, listing, look, openAgain, stepInto } from './descent.ts'
import { digestOf } from './digest.ts'
import {
  chainTo,
  contentOf,
  type EntryNode,
  type FileNode,
  type FolderNode,
  fileNode,
  folderNode,
  isSameFile,
  isSameInode,
  shownPath,
} from './nodes.ts'
import { Pace } from './pace.ts'
import { Totals } from './totals.ts'

export interface IndexOptions {
  /** An open folder; it stays the caller's. */
  readonly descriptor: number
  /** How the folder is called in reports. */
  readonly shown: string
  /** `device:inode` of what is left out, because it is the gateway's own. */
  readonly hidden: ReadonlySet<string>
  readonly clock: Clock
  readonly maxEntries: number
  readonly onChange: (change: FileAccess) => void
  /** False: changes are not passed on for a while, so that nothing need be read for them. */
  readonly isHeard: () => boolean
  /** Called with each remembered folder before it is listed, and when it is forgotten. */
  readonly onEnter: (node: FolderNode, base: string) => void
  readonly onForget: (node: FolderNode) => void
}

interface Frame {
  readonly node: FolderNode
  readonly held: HeldFolder
  readonly entries: Dir
}

/** Descriptors that one look holds at most. A deeper tree is taken for an attempt to hide. */
const MAX_DEPTH = 200

/** One look at a time: the caller waits for it before it asks for another one. */
export class FolderIndex {
  /** What all of it takes, as of the end of the last look: exact after a full one, near enough after a partial one. */
  size: Pick<Totals, 'bytes' | 'files'> = { bytes: 0, files: 0 }
  /** What the last full look could not count, and why. */
  blindSpot: string | undefined
  /** True when there are entries that are not remembered, so that their changes are not reported. */
  isPartial = false
  /** How many entries are remembered. */
  entries = 0
  readonly #options: IndexOptions
  readonly #top: FolderNode
  readonly #pace = new Pace()
  #totals = new Totals()
  #round = 0
  /** Nothing is a change before the first look is over. */
  #isReporting = false

  constructor(options: IndexOptions) {
    this.#options = options
    this.#top = folderNode('', undefined, fstatSync(options.descriptor), 0)
  }

  /** Looks at everything. */
  async refreshAll(): Promise<void> {
    this.#round++
    this.blindSpot = undefined
    this.isPartial = false
    const totals = new Totals()
    const descriptor = openAgain(this.#options.descriptor)
    await this.#walk(this.#top, { descriptor, base: baseOf(descriptor) }, totals)
    this.#totals = totals
    this.#isReporting = true
    this.#publish()
  }

  /** Looks at some names in one folder. A folder that moved is found by its name in its parent. */
  async refreshSome(node: FolderNode, names: Iterable<string>): Promise<void> {
    const held = this.#hold(node)
    if (held === undefined) return
    try {
      for (const name of names) {
        if (this.#pace.isDue) await this.#pace.rest()
        const known = node.children.get(name)
        const folder = this.#examine({ node, held }, name, this.#totals)
        if (folder === undefined || (folder === known && !folder.isDoubtful)) continue
        const inner = this.#step(held.base, folder)
        this.#round++
        if (inner !== undefined) await this.#walk(folder, inner, this.#totals)
      }
    } finally {
      letGo(held)
    }
    this.#publish()
  }

  /** Forgets everything. */
  close(): void {
    this.#forget(this.#top)
  }

  async #walk(top: FolderNode, held: HeldFolder, totals: Totals): Promise<void> {
    const frames: Frame[] = []
    this.#enter(frames, top, held)
    try {
      for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
        if (this.#pace.isDue) await this.#pace.rest()
        const entry = frame.entries.readSync()
        if (entry === null) this.#leave(frames)
        else this.#visit(frames, frame, entry.name, totals)
      }
    } finally {
      frames.forEach(release)
    }
  }

  #visit(frames: Frame[], frame: Frame, name: string, totals: Totals): void {
    const folder = this.#examine(frame, name, totals)
    const inner = folder === undefined ? undefined : this.#step(frame.held.base, folder)
    if (folder === undefined || inner === undefined) return
    if (folder.depth < MAX_DEPTH) this.#enter(frames, folder, inner)
    else {
      letGo(inner)
      this.blindSpot ??= `${shownPath(this.#options.shown, frame.node, name)} lies too deep`
    }
  }

  /** The watch comes before the list: what is made between the two is seen twice, and not missed. */
  #enter(frames: Frame[], node: FolderNode, held: HeldFolder): void {
    node.isDoubtful = false
    if (node.isKept) this.#options.onEnter(node, held.base)
    try {
      frames.push({ node, held, entries: listing(held) })
    } catch {
      this.#cannotSee(node, held)
      letGo(held)
    }
  }

  #leave(frames: Frame[]): void {
    const frame = frames.pop()
    if (frame === undefined) return
    release(frame)
    for (const [name, child] of frame.node.children) {
      if (child.round !== this.#round) this.#remove(frame.node, name, child)
    }
  }

  /** Counts one entry and reports what has become of it. Returns it when it is a folder. */
  #examine({ node, held }: Pick<Frame, 'node' | 'held'>, name: string, totals: Totals): FolderNode | undefined {
    const known = node.children.get(name)
    const stats = this.#look(node, held, name)
    if (stats === undefined) {
      if (known !== undefined) this.#remove(node, name, known)
    } else if (!this.#options.hidden.has(`${stats.dev}:${stats.ino}`)) {
      if (stats.isDirectory()) return this.#examineFolder(node, name, stats, totals)
      this.#examineFile({ node, held }, name, stats, totals)
    }
    return undefined
  }

  #examineFolder(parent: FolderNode, name: string, stats: Stats, totals: Totals): FolderNode {
    const known = parent.children.get(name)
    if (known?.isFolder === true && isSameInode(known, stats)) {
      this.#totals.subtract(known)
      known.blocks = stats.blocks
      known.round = this.#round
      totals.add(known)
      return known
    }
    if (known !== undefined) this.#remove(parent, name, known)
    const folder = folderNode(name, parent, stats, this.#round)
    totals.add(folder)
    folder.isKept = this.#remember(parent, name, folder)
    return folder
  }

  #examineFile({ node, held }: Pick<Frame, 'node' | 'held'>, name: string, stats: Stats, totals: Totals): void {
    let known = node.children.get(name)
    if (known?.isFolder === true) {
      this.#remove(node, name, known)
      known = undefined
    }
    const digested = node.isKept && this.#needsDigest(known, stats) ? digestOf(held.base, name) : undefined
    const seen = digested?.stats ?? stats
    if (known === undefined) {
      const file = fileNode(seen, this.#options.clock.now(), this.#round, digested?.digest)
      totals.add(file)
      if (this.#remember(node, name, file)) this.#report('created', node, name, file)
      return
    }
    const isSame = isSameFile(known, seen) && (digested === undefined || digested.digest === known.digest)
    this.#totals.subtract(known)
    const digest = digested?.digest ?? (isSame ? known.digest : undefined)
    const file = fileNode(seen, this.#options.clock.now(), this.#round, digest)
    totals.add(file)
    node.children.set(name, file)
    if (!isSame) this.#report('changed', node, name, file)
  }

  /** A file that looks the same is read again when a change in the same moment would not have shown. */
  #needsDigest(known: FileNode | undefined, stats: Stats): boolean {
    if (!this.#isReporting || !stats.isFile() || !this.#options.isHeard()) return false
    if (known === undefined || !isSameFile(known, stats)) return true
    return !known.isSettled && known.digest !== undefined
  }

  #remember(parent: FolderNode, name: string, node: EntryNode): boolean {
    if (parent.isKept && this.entries < this.#options.maxEntries) {
      parent.children.set(name, node)
      this.entries++
      return true
    }
    this.isPartial = true
    return false
  }

  #remove(parent: FolderNode, name: string, node: EntryNode): void {
    parent.children.delete(name)
    this.entries--
    this.#totals.subtract(node)
    if (!node.isFolder) return this.#report('removed', parent, name)
    this.#options.onForget(node)
    for (const [inner, child] of node.children) this.#remove(node, inner, child)
  }

  #forget(node: FolderNode): void {
    this.#options.onForget(node)
    for (const child of node.children.values()) if (child.isFolder) this.#forget(child)
    node.children.clear()
  }

  #report(change: FileAccess['change'], folder: FolderNode, name: string, file?: FileNode): void {
    if (!this.#isReporting) return
    const path = shownPath(this.#options.shown, folder, name)
    this.#options.onChange({ kind: 'file', change, path, ...(file && contentOf(file)) })
  }

  #hold(node: FolderNode): HeldFolder | undefined {
    const descriptor = openAgain(this.#options.descriptor)
    let held: HeldFolder | undefined = { descriptor, base: baseOf(descriptor) }
    for (const step of chainTo(node)) {
      const outer: HeldFolder = held
      held = this.#step(outer.base, step)
      letGo(outer)
      if (held === undefined) return undefined
    }
    return held
  }

  #step(base: string, folder: FolderNode): HeldFolder | undefined {
    try {
      return stepInto(base, folder.name, folder)
    } catch {
      this.blindSpot ??= `${shownPath(this.#options.shown, folder.parent ?? folder, folder.name)} cannot be opened`
      return undefined
    }
  }

  #look(node: FolderNode, held: HeldFolder, name: string): Stats | undefined {
    try {
      return look(held.base, name)
    } catch {
      this.#cannotSee(node, held)
      return undefined
    }
  }

  /** A folder that the sandbox cannot write to either is nothing to worry about. */
  #cannotSee(node: FolderNode, held: HeldFolder): void {
    if (isOutOfReach(held)) return
    const path =
      node.parent === undefined ? this.#options.shown : shownPath(this.#options.shown, node.parent, node.name)
    this.blindSpot ??= `${path} cannot be looked into`
  }

  #publish(): void {
    this.size = { bytes: this.#totals.bytes, files: this.#totals.files }
  }
}

function release({ entries, held }: Frame): void {
  entries.closeSync()
  letGo(held)
}
