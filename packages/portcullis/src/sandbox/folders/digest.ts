/** The digest of a small file that may be replaced, grow or turn into something else at any moment. */
import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { baseOf } from './descent.ts'
import { pathOf } from './names.ts'

export const MAX_DIGEST_BYTES = 1 << 20

/** Neither waits for the other end of a pipe or for a lease, nor becomes anyone's terminal. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY

const CHUNK = Buffer.allocUnsafe(64 << 10)

export interface Digested {
  /** SHA-256, hex. */
  readonly digest: string
  /** What the file was when all of it had been read. */
  readonly stats: Stats
}

/**
 * Of an entry of a held folder, or of a held file. Undefined for what is not a regular file of at most 1 MiB, cannot be
 * read, or changes while it is read.
 */
export function digestOf(base: string, name: string): Digested | undefined
export function digestOf(descriptor: number): Digested | undefined
export function digestOf(where: string | number, name?: string): Digested | undefined {
  let descriptor: number | undefined
  try {
    descriptor =
      typeof where === 'number'
        ? openSync(baseOf(where), FLAGS)
        : openSync(pathOf(`${where}/${name}`), FLAGS | constants.O_NOFOLLOW)
    return digestOfOpen(descriptor)
  } catch {
    return undefined
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function digestOfOpen(descriptor: number): Digested | undefined {
  const before = fstatSync(descriptor)
  if (!before.isFile() || before.size > MAX_DIGEST_BYTES) return undefined
  const digest = read(descriptor)
  const stats = fstatSync(descriptor)
  const isSame = stats.mtimeMs === before.mtimeMs && stats.size === before.size
  return digest === undefined || !isSame ? undefined : { digest, stats }
}

function read(descriptor: number): string | undefined {
  const hash = createHash('sha256')
  for (let total = 0; total <= MAX_DIGEST_BYTES; ) {
    const length = readSync(descriptor, CHUNK, 0, CHUNK.length, null)
    if (length === 0) return hash.digest('hex')
    hash.update(CHUNK.subarray(0, length))
    total += length
  }
  return undefined
}
