/** Cuts a byte stream into lines. On the path of every call: no byte is looked at twice, whole lines are not copied. */

const NEWLINE = 10
const CARRIAGE_RETURN = 13

export class LineCutter {
  readonly #maxLineBytes: number
  readonly #onLine: (line: Buffer) => void
  #parts: Buffer[] = []
  #partBytes = 0

  constructor(maxLineBytes: number, onLine: (line: Buffer) => void) {
    this.#maxLineBytes = maxLineBytes
    this.#onLine = onLine
  }

  /** Takes a chunk and hands out each line that it completes. False once a line is too long; take no more then. */
  push(chunk: Buffer): boolean {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      if (this.#partBytes + end - start > this.#maxLineBytes) return false
      this.#emit(this.#complete(chunk.subarray(start, end)))
      start = end + 1
    }
    return start === chunk.length || this.#keep(start === 0 ? chunk : chunk.subarray(start))
  }

  #complete(last: Buffer): Buffer {
    if (this.#partBytes === 0) return last
    this.#parts.push(last)
    const line = Buffer.concat(this.#parts, this.#partBytes + last.length)
    this.#parts = []
    this.#partBytes = 0
    return line
  }

  #keep(rest: Buffer): boolean {
    this.#parts.push(rest)
    this.#partBytes += rest.length
    return this.#partBytes <= this.#maxLineBytes
  }

  #emit(line: Buffer): void {
    const end = line.length - (line[line.length - 1] === CARRIAGE_RETURN ? 1 : 0)
    if (end > 0) this.#onLine(end === line.length ? line : line.subarray(0, end))
  }
}
