/** Writes lines into a file for its owner alone: durable when delivered, rotated by size, whole lines only. */
import { chmodSync, closeSync, constants, fstatSync, lstatSync, openSync, readSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { type AppendFile, openAppendFile, type OpenAppendFile } from '../append-file.ts'
import { type Parcel, type Sink, SinkError } from './sink.ts'

export interface FileSinkOptions {
  /** Absolute. */
  readonly path: string
  /** A file that has reached this size is followed by another. */
  readonly maxBytes: number
  /** How many files are kept beside the newest, as `path.1`, `path.2` …; older ones are removed. */
  readonly keep: number
  readonly openFile?: OpenAppendFile
}

const NEWLINE = 0x0a

export class FileSink implements Sink {
  readonly #options: FileSinkOptions
  #file: AppendFile | undefined
  #bytes = 0

  constructor(options: FileSinkOptions) {
    this.#options = options
  }

  async deliver({ items }: Parcel): Promise<void> {
    const text = items.flatMap(({ texts }) => texts).map((line) => `${line}\n`)
    const bytes = Buffer.from(text.join(''))
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#options.maxBytes) await this.#rotate()
    const file = (this.#file ??= await this.#open())
    // A test may have written beside us: what is cut off after a failure must be ours alone.
    this.#bytes = lstatSync(this.#options.path, { throwIfNoEntry: false })?.size ?? this.#bytes
    try {
      await file.append(bytes)
      this.#bytes += bytes.length
    } catch (cause) {
      await this.#undo(file)
      throw new SinkError('the file takes nothing more', { cause })
    }
  }

  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }

  async #open(): Promise<AppendFile> {
    const { path, openFile = openAppendFile } = this.#options
    const facts = lstatSync(path, { throwIfNoEntry: false })
    // Through a link somebody else would choose where the records go.
    if (facts !== undefined && !facts.isFile()) throw new SinkError('the path is not a file')
    const file = await openFile(dirname(path), basename(path))
    chmodSync(path, 0o600)
    this.#bytes = facts?.size ?? 0
    // What a crash has torn must not become one line with what follows; its record is sent again anyway.
    if (this.#bytes > 0 && !endsWithNewline(path, this.#bytes)) {
      await file.append(Buffer.from([NEWLINE]))
      this.#bytes++
    }
    return file
  }

  /** Whoever reads beside us must not find half a line. */
  async #undo(file: AppendFile): Promise<void> {
    this.#file = undefined
    await file.truncate(this.#bytes).catch(() => undefined)
    await file.close().catch(() => undefined)
    this.#bytes = 0
  }

  async #rotate(): Promise<void> {
    const { path, keep } = this.#options
    await this.close()
    rmSync(`${path}.${keep}`, { force: true })
    for (let number = keep - 1; number >= 1; number--) moveIfThere(`${path}.${number}`, `${path}.${number + 1}`)
    if (keep > 0) moveIfThere(path, `${path}.1`)
    else rmSync(path, { force: true })
    this.#bytes = 0
  }
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
  }
}

function endsWithNewline(path: string, size: number): boolean {
  const descriptor = openSync(path, constants.O_RDONLY)
  try {
    const last = Buffer.alloc(1)
    readSync(descriptor, last, 0, 1, Math.min(size, fstatSync(descriptor).size) - 1)
    return last[0] === NEWLINE
  } finally {
    closeSync(descriptor)
  }
}
