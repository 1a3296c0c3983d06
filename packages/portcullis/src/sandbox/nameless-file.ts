/**
 * Files that never had a name, so that nobody can leave them behind: for small texts that hold no secret, because they
 * may lie on a disk.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'

/** O_TMPFILE; the constant is not among Node's. */
const NAMELESS = 0o20000000 | constants.O_DIRECTORY | constants.O_RDWR

/**
 * An open descriptor that closes with the caller, and that every account may open again through /proc. Throws what the
 * kernel says: overlay file systems of old kernels have no such files.
 */
export function namelessFile(content: string | Buffer): number {
  const descriptor = open([tmpdir(), '/dev/shm'])
  try {
    writeSync(descriptor, Buffer.from(content))
    return descriptor
  } catch (problem) {
    closeSync(descriptor)
    throw problem
  }
}

function open([directory = '', ...others]: readonly string[]): number {
  try {
    return openSync(directory, NAMELESS, 0o444)
  } catch (problem) {
    if (others.length === 0) throw problem
    return open(others)
  }
}

/** By content. There are as many as there are constants in this program. */
const held = new Map<string | Buffer, number>()

/** A descriptor at the start of a text that every sandbox reads; undefined where the host has no nameless files. */
export function openConstant(content: string | Buffer): number | undefined {
  try {
    const known = held.get(content) ?? namelessFile(content)
    held.set(content, known)
    return openSync(`/proc/self/fd/${known}`, 'r')
  } catch {
    return undefined
  }
}
