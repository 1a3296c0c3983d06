/** What the gateway's main thread and the thread that watches folders say to each other. */
import type { Access } from '../access.ts'
import type { Freezer } from './freezer.ts'
import type { Members } from './members.ts'

export interface WatchedPath {
  /** Open for as long as the session lasts; descriptors are shared between threads. */
  readonly descriptor: number
  /** The path in reports, as bytes. */
  readonly shown: string
  readonly kind: 'folder' | 'file'
  /** Undefined: no limit of ours, because there is none or because the file system holds it. */
  readonly limits: { readonly bytes?: number | undefined; readonly files?: number | undefined }
}

export interface SessionRequest {
  readonly paths: readonly WatchedPath[]
  /** `device:inode` of the gateway's own files and folders. */
  readonly hidden: readonly string[]
  readonly members: Members
  readonly freezer?: Freezer | undefined
  /** False: changes are of interest to nobody, only sizes are. */
  readonly listsChanges: boolean
}

export type ToThread =
  | { readonly kind: 'open'; readonly session: number; readonly request: SessionRequest }
  | { readonly kind: 'flush' | 'end'; readonly session: number; readonly ask: number }
  /** The processes were killed; what holds them still may let go. */
  | { readonly kind: 'killed'; readonly session: number }

export type FromThread =
  | { readonly kind: 'opened'; readonly session: number; readonly usage: FolderUsage }
  | { readonly kind: 'refused'; readonly session: number; readonly reason: string }
  | { readonly kind: 'accesses'; readonly session: number; readonly accesses: readonly Access[] }
  | { readonly kind: 'usage'; readonly session: number; readonly usage: FolderUsage }
  | { readonly kind: 'exceeded'; readonly session: number }
  | { readonly kind: 'done'; readonly session: number; readonly ask: number }

/** Of all folders of a sandbox together. */
export interface FolderUsage {
  /** Allocated on the disk. */
  readonly diskBytes: number
  /** Files and folders. */
  readonly diskFiles: number
}
