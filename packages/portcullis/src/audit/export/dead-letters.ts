/** Puts aside records that a receiver refuses for good, so that one of them neither holds up all others nor is lost unseen. */
import { basename, dirname } from 'node:path'
import { statSync } from 'node:fs'
import { openAppendFile, type OpenAppendFile } from '../append-file.ts'

export interface DeadLetter {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly reason: string
  /** The line as it stands in the chain. */
  readonly line: string
}

const MAX_BYTES = 64 * 1024 * 1024

export class DeadLetters {
  readonly #path: string
  readonly #openFile: OpenAppendFile
  readonly #maxBytes: number
  count = 0

  constructor(path: string, openFile: OpenAppendFile = openAppendFile, maxBytes = MAX_BYTES) {
    this.#path = path
    this.#openFile = openFile
    this.#maxBytes = maxBytes
  }

  /** Resolves when it is durable. Rejects when the file is full, or with what the file system says: then nobody may go on. */
  async add(letter: DeadLetter): Promise<void> {
    const text = `${JSON.stringify(letter)}\n`
    const bytes = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
    if (bytes + text.length > this.#maxBytes) throw new Error(`${this.#path} is full; look into it, and move it away`)
    const file = await this.#openFile(dirname(this.#path), basename(this.#path))
    try {
      await file.append(Buffer.from(text))
    } finally {
      await file.close()
    }
    this.count++
  }
}
