/** What is remembered of each file and folder, and when two looks at a file mean that it was changed. */
import type { FSWatcher, Stats } from 'node:fs'
import { readable } from './names.ts'
import type { Weight } from './totals.ts'

export interface FileNode extends Weight {
  readonly isFolder: false
  readonly size: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  /** Of the content that was last reported. */
  readonly digest: string | undefined
  /** False: it was changed so shortly before the look that another change could bear the same time. */
  isSettled: boolean
  /** The last full look that met it. */
  round: number
}

export interface FolderNode extends Weight {
  readonly isFolder: true
  readonly name: string
  readonly parent: FolderNode | undefined
  readonly depth: number
  readonly children: Map<string, EntryNode>
  blocks: number
  round: number
  /** False: one more than the index may hold, known only while it is walked. */
  isKept: boolean
  /** True when another folder may have taken its place, perhaps with the same inode number. */
  isDoubtful: boolean
  watch: FSWatcher | undefined
}

export type EntryNode = FileNode | FolderNode

/** Coarse time stamps of file systems before Linux 6.13 move in steps of up to 10 ms. */
const SETTLED_MS = 50

export function fileNode(stats: Stats, nowMs: number, round: number, digest: string | undefined): FileNode {
  const { dev, ino, nlink, blocks, size, mtimeMs, ctimeMs } = stats
  const isSettled = ctimeMs < nowMs - SETTLED_MS
  return { isFolder: false, dev, ino, nlink, blocks, size, mtimeMs, ctimeMs, digest, isSettled, round }
}

export function folderNode(name: string, parent: FolderNode | undefined, stats: Stats, round: number): FolderNode {
  const { dev, ino, nlink, blocks } = stats
  const isKept = parent === undefined
  const depth = parent === undefined ? 0 : parent.depth + 1
  const children = new Map<string, EntryNode>()
  const state = { isKept, isDoubtful: false, watch: undefined }
  return { isFolder: true, name, parent, depth, children, dev, ino, nlink, blocks, round, ...state }
}

/** What is reported of a file. */
export const contentOf = ({ size, digest }: FileNode): { readonly bytes: number; readonly digest?: string } =>
  digest === undefined ? { bytes: size } : { bytes: size, digest }

/** The change time cannot be set by a file's owner, unlike the modification time. */
export const isSameFile = (node: FileNode, stats: Stats): boolean =>
  isSameInode(node, stats) &&
  node.size === stats.size &&
  node.ctimeMs === stats.ctimeMs &&
  node.mtimeMs === stats.mtimeMs

export const isSameInode = (left: Pick<Stats, 'dev' | 'ino'>, right: Pick<Stats, 'dev' | 'ino'>): boolean =>
  left.ino === right.ino && left.dev === right.dev

/** Folders from below the top down to this one. */
export const chainTo = (node: FolderNode): readonly FolderNode[] =>
  node.parent === undefined ? [] : [...chainTo(node.parent), node]

/** No path of a program is longer (PATH_MAX); whoever nests deeper does not fill the audit trail with it. */
const MAX_SHOWN = 4096

/** How an entry of a folder is called in reports, `top` being the name of the whole. The middle of a long one is left out. */
export function shownPath(top: string, folder: FolderNode, name: string): string {
  const path = [top, ...[...chainTo(folder).map((node) => node.name), name].map(readable)].join('/')
  return path.length <= MAX_SHOWN ? path : `${path.slice(0, MAX_SHOWN / 2)}…${path.slice(1 - MAX_SHOWN / 2)}`
}
