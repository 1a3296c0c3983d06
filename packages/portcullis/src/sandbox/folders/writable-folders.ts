/**
 * The writable paths of one sandbox: held to their limits, their changes reported.
 *
 * The gateway's side of it. Everything that takes time happens in a thread of its own.
 */
import { closeSync, fstatSync, statSync } from 'node:fs'
import { Fault } from '../../core/fault.ts'
import type { OnAccess } from '../access.ts'
import { openAgain } from './descent.ts'
import { FolderThread, type Said } from './folder-thread.ts'
import type { FolderUsage, SessionRequest, WatchedPath } from './messages.ts'
import { bytesOf } from './names.ts'

export interface WritableFoldersOptions {
  /** Real paths of the gateway's own files: neither counted nor reported. */
  readonly hidden: readonly string[]
  /** Hears of every change and of every limit that was met. */
  readonly onAccess?: OnAccess | undefined
}

/** A writable path, held open so that nobody can put another one in its place. */
export interface WritablePath {
  readonly descriptor: number
  /** How it is called inside. */
  readonly shown: string
  readonly limits: WatchedPath['limits']
}

export interface WatchOptions extends Pick<SessionRequest, 'members' | 'freezer'> {
  /** A limit was passed, or can no longer be held: everything is to be killed now, before this returns. */
  readonly onQuota: () => void
}

/** One for all sandboxes of the process. */
const thread = new FolderThread()

/** The gateway does not wait longer for a report of what a call has changed. */
const FLUSH_MS = 2000
/** For the last look. A file system that no longer answers must not keep the end of a process from being known. */
const CLOSE_MS = 30_000

export class WritableFolders {
  readonly #options: WritableFoldersOptions
  readonly #paths: WatchedPath[] = []
  #session: number | undefined
  #usage: Partial<FolderUsage> = {}
  #isExceeded = false
  #closing: Promise<void> | undefined
  #onQuota: () => void = () => {}
  #opened: (said: Said) => void = () => {}

  constructor(options: WritableFoldersOptions) {
    this.#options = options
  }

  /** Takes part in the watching from `start` on. The descriptor stays the caller's. */
  add({ descriptor, shown, limits }: WritablePath): void {
    thread.warmUp()
    const kind = fstatSync(descriptor).isDirectory() ? 'folder' : 'file'
    this.#paths.push({ descriptor: openAgain(descriptor), shown: bytesOf(shown), kind, limits })
  }

  /** The same for a folder whose limit is held by the file system. The descriptor becomes ours. */
  adopt(descriptor: number, shown: string): void {
    this.#paths.push({ descriptor, shown: bytesOf(shown), kind: 'folder', limits: {} })
  }

  /**
   * Takes the first look at all paths; call it before anything untrusted runs. Throws `sandbox.start_failed` when a folder
   * already holds more than it may, or cannot be measured. Without a path it does nothing.
   */
  async start({ members, freezer, onQuota }: WatchOptions): Promise<void> {
    if (this.#paths.length === 0) return
    this.#onQuota = onQuota
    const said = await new Promise<Said>((resolve) => {
      this.#opened = resolve
      const { hidden, onAccess } = this.#options
      const request: SessionRequest = {
        paths: this.#paths,
        hidden: hidden.flatMap(identityOf),
        members,
        freezer,
        listsChanges: onAccess !== undefined,
      }
      this.#session = thread.open(request, (message) => this.#hear(message))
    })
    if (said.kind === 'opened') return
    const reason = said.kind === 'refused' ? said.reason : 'the thread that watches folders has ended'
    throw new Fault('sandbox.start_failed', { reason })
  }

  /** As of the last look, which is at most some seconds old; after the end, the last state. Empty without a path. */
  get usage(): Partial<FolderUsage> {
    return this.#usage
  }

  /** True when a limit was passed, even if that was found out only after the end. */
  get isExceeded(): boolean {
    return this.#isExceeded
  }

  /**
   * Resolves when `onAccess` has heard of what was changed before this call, or after two seconds: in folders so large
   * or so busy that only full looks find changes, the report may come later.
   */
  async flush(): Promise<void> {
    await within(FLUSH_MS, this.#closing ?? this.#ask('flush'))
  }

  /** Call it when all processes are gone. Takes the last look, reports it and lets go of everything. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await within(CLOSE_MS, this.#ask('end'))
    if (this.#session !== undefined) thread.leave(this.#session)
    for (const { descriptor } of this.#paths.splice(0)) closeSync(descriptor)
  }

  async #ask(kind: 'flush' | 'end'): Promise<void> {
    if (this.#session !== undefined) await thread.ask(this.#session, kind)
  }

  #hear(said: Said): void {
    if (said.kind === 'accesses') for (const access of said.accesses) this.#options.onAccess?.(access)
    if (said.kind === 'opened' || said.kind === 'usage') this.#usage = said.usage
    if (said.kind === 'exceeded') this.#exceed()
    if (said.kind === 'lost') this.#lose()
    if (said.kind === 'opened' || said.kind === 'refused' || said.kind === 'lost') this.#opened(said)
  }

  #lose(): void {
    this.#options.onAccess?.({ kind: 'refused', wall: 'disk', what: 'the writable folders are no longer watched' })
    this.#exceed()
  }

  #exceed(): void {
    this.#isExceeded = true
    this.#onQuota()
    if (this.#session !== undefined) thread.tellKilled(this.#session)
  }
}

async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, milliseconds)
  await Promise.race([work, late.promise])
  clearTimeout(timer)
}

function identityOf(path: string): readonly string[] {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? [] : [`${stats.dev}:${stats.ino}`]
}
