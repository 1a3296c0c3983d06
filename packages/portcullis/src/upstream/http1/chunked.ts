import { Fault } from '../../core/fault.ts'

/** Takes a body out of the chunked transfer coding (RFC 9112 §7.1). Extensions and trailers are read and dropped. */
const MAX_LINE_BYTES = 1024
const MAX_TRAILERS = 50
const CR = 0x0d
const LF = 0x0a
const SIZE_LINE = /^([0-9A-Fa-f]{1,8})[\t ]*(?:;[\t\x20-\x7e]*)?$/

type State = 'size' | 'data' | 'data-end' | 'trailer' | 'done'

export class ChunkedBody {
  #state: State = 'size'
  #left = 0
  #line = ''
  #trailers = 0

  get done(): boolean {
    return this.#state === 'done'
  }

  /** Calls `take` with each piece of the body in `bytes`. Returns how many bytes belong to it. Throws `upstream.malformed`. */
  push(bytes: Buffer, take: (piece: Buffer) => void): number {
    let at = 0
    while (at < bytes.length && this.#state !== 'done') {
      at = this.#state === 'data' ? this.#data(bytes, at, take) : this.#text(bytes, at)
    }
    return at
  }

  #data(bytes: Buffer, at: number, take: (piece: Buffer) => void): number {
    const end = Math.min(bytes.length, at + this.#left)
    take(bytes.subarray(at, end))
    this.#left -= end - at
    if (this.#left === 0) this.#state = 'data-end'
    return end
  }

  /** A line may arrive in pieces; its CR is kept until the LF says that it ends the line. */
  #text(bytes: Buffer, at: number): number {
    const newline = bytes.indexOf(LF, at)
    const end = newline < 0 ? bytes.length : newline
    if (this.#line.length + end - at > MAX_LINE_BYTES) malformed()
    this.#line += bytes.toString('latin1', at, end)
    if (newline < 0) return end
    const line = this.#line
    if (line.charCodeAt(line.length - 1) !== CR) malformed()
    this.#line = ''
    this.#end(line.slice(0, -1))
    return newline + 1
  }

  #end(line: string): void {
    if (this.#state === 'size') return this.#open(line)
    if (this.#state === 'data-end') {
      if (line !== '') malformed()
      this.#state = 'size'
    } else if (line === '') {
      this.#state = 'done'
    } else if (++this.#trailers > MAX_TRAILERS || line.includes('\r')) {
      malformed()
    }
  }

  #open(line: string): void {
    const [, size] = SIZE_LINE.exec(line) ?? malformed()
    this.#left = Number.parseInt(size as string, 16)
    this.#state = this.#left === 0 ? 'trailer' : 'data'
  }
}

function malformed(): never {
  throw new Fault('upstream.malformed', { reason: 'http', part: 'chunk' })
}
