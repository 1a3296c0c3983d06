/** Decides which lines of a chain are in a bundle, and writes them into files that begin with the record they are named after. */
import { createHash } from 'node:crypto'
import { mkdir, open } from 'node:fs/promises'
import { syncDirectory } from './append-file.ts'
import { GENESIS, type Position } from './record.ts'
import { claimedBeginning } from './removal.ts'
import { segmentName } from './segment.ts'

export interface BundleFile {
  /** Below the folder of the bundle, with forward slashes. */
  readonly path: string
  readonly bytes: number
  /** SHA-256, lower-case hex. */
  readonly sha256: string
}

/** Which records are asked for, and where they go. */
export interface PieceOptions {
  /** Milliseconds since the epoch: not before, and before. */
  readonly from?: number
  readonly to?: number
  /** Folder of the bundle; made with the first line. */
  readonly out: string
}

/** Folder of the records in a bundle. */
export const CHAIN_PART = 'chain'

interface OpenPart {
  readonly path: string
  readonly hash: ReturnType<typeof createHash>
  readonly file: Awaited<ReturnType<typeof open>>
  bytes: number
}

/** Lines from the first of the time that is asked for to the first checkpoint after its last. */
export class Piece {
  readonly #options: PieceOptions
  #part: OpenPart | undefined
  #waiting: { readonly name: string; readonly lines: Buffer[] } | undefined
  #source = ''
  #from: Position | undefined
  #last: Position = GENESIS
  #records = 0
  #signed = 0
  #isPast = false
  readonly #files: BundleFile[] = []
  isWhole = false

  constructor(options: PieceOptions) {
    this.#options = options
  }

  take(source: string, lines: readonly Buffer[]): void {
    const { from = -Infinity, to = Infinity } = this.#options
    const taken: Buffer[] = []
    for (const line of lines) {
      const { seq, at, hash, kind } = JSON.parse(line.toString('utf8'))
      if (this.#from === undefined && (at < from || at >= to)) continue
      this.#from ??= claimedBeginning(line) ?? GENESIS
      taken.push(line)
      this.#last = { sequence: seq, hash }
      this.#records++
      this.#isPast ||= at >= to
      if (kind === 'checkpoint') this.#signed = seq - 1
      if (this.#isPast && kind === 'checkpoint') {
        this.isWhole = true
        break
      }
    }
    const [first] = taken
    if (first === undefined) return
    const starts = claimedBeginning(first) ?? GENESIS
    // Each file begins with the record that it is named after, as those of a chain do.
    const name = source === this.#source ? '' : segmentName(starts.sequence + 1)
    this.#source = source
    this.#waiting = { name, lines: taken }
  }

  async write(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting === undefined) return
    if (waiting.name !== '') await this.#next(waiting.name)
    const part = this.#part as OpenPart
    const bytes = Buffer.concat(waiting.lines.flatMap((line) => [line, Buffer.from('\n')]))
    part.hash.update(bytes)
    part.bytes += bytes.length
    await part.file.writeFile(bytes)
  }

  async close() {
    await this.#endPart()
    if (this.#from === undefined) return undefined
    const { out } = this.#options
    await syncDirectory(`${out}/${CHAIN_PART}`)
    return {
      from: this.#from,
      last: this.#last,
      records: this.#records,
      signedSequence: this.#signed,
      files: this.#files,
    }
  }

  async #next(name: string): Promise<void> {
    const { out } = this.#options
    if (this.#part === undefined && this.#files.length === 0) {
      await mkdir(out, { mode: 0o700 })
      await mkdir(`${out}/${CHAIN_PART}`, { mode: 0o700 })
    }
    await this.#endPart()
    const path = `${CHAIN_PART}/${name}`
    this.#part = { path, hash: createHash('sha256'), file: await open(`${out}/${path}`, 'wx', 0o600), bytes: 0 }
  }

  async #endPart(): Promise<void> {
    const part = this.#part
    this.#part = undefined
    if (part === undefined) return
    await part.file.sync()
    await part.file.close()
    this.#files.push({ path: part.path, bytes: part.bytes, sha256: part.hash.digest('hex') })
  }
}
