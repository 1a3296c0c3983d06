import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'

/** Reads the lines of segment files, forwards or backwards, without holding a whole file. */
const CHUNK_BYTES = 256 * 1024
const NEWLINE = 0x0a

/** The segments of a chain in their order. Throws what the file system throws. */
export function segmentsOf(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => /^\d{15}\.jsonl$/.test(name))
    .sort()
}

export interface Line {
  /** Without its newline. */
  readonly bytes: Buffer
  /** Offset of the first byte in the file. */
  readonly offset: number
  /** False for bytes at the end of a file that no newline closes. */
  readonly complete: boolean
}

/** Lines from `offset` on. Bytes that no newline closes come last, marked as not complete. */
export function* linesForward(path: string, offset = 0): Generator<Line> {
  const file = openSync(path, 'r')
  try {
    let rest: Buffer = Buffer.alloc(0)
    let restAt = offset
    for (;;) {
      const chunk = readChunk(file, restAt + rest.length, CHUNK_BYTES)
      if (chunk.length === 0) break
      const held = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let start = 0
      for (let end = held.indexOf(NEWLINE); end >= 0; end = held.indexOf(NEWLINE, start)) {
        yield { bytes: held.subarray(start, end), offset: restAt + start, complete: true }
        start = end + 1
      }
      rest = held.subarray(start)
      restAt += start
    }
    if (rest.length > 0) yield { bytes: rest, offset: restAt, complete: false }
  } finally {
    closeSync(file)
  }
}

/**
 * Lines from the last to the first, or from the last that ends before the offset `before`, where a line has to begin.
 * Bytes at the end that no newline closes come first, marked as not complete.
 */
export function* linesBackward(path: string, before = Number.POSITIVE_INFINITY): Generator<Line> {
  const file = openSync(path, 'r')
  try {
    let position = Math.min(before, fstatSync(file).size)
    let held: Buffer = Buffer.alloc(0)
    let complete = false
    while (position > 0) {
      const bytes = Math.min(CHUNK_BYTES, position)
      position -= bytes
      held = Buffer.concat([readChunk(file, position, bytes), held])
      for (let end = held.lastIndexOf(NEWLINE); end >= 0; end = held.lastIndexOf(NEWLINE)) {
        if (complete || end + 1 < held.length)
          yield { bytes: held.subarray(end + 1), offset: position + end + 1, complete }
        held = held.subarray(0, end)
        complete = true
      }
    }
    if (complete || held.length > 0) yield { bytes: held, offset: 0, complete }
  } finally {
    closeSync(file)
  }
}

function readChunk(file: number, position: number, bytes: number): Buffer {
  const chunk = Buffer.allocUnsafe(bytes)
  return chunk.subarray(0, readSync(file, chunk, 0, bytes, position))
}
