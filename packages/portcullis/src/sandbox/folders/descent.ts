/**
 * How a tree that an attacker writes to is walked: by descriptors, one step at a time, never through a symbolic link.
 *
 * A path of several steps could be changed under way and lead to the gateway's own files. Here each step starts at a
 * folder that is held, and may end only at a folder that really lies in it.
 */
import {
  accessSync,
  closeSync,
  constants,
  type Dir,
  fstatSync,
  lstatSync,
  opendirSync,
  openSync,
  type Stats,
} from 'node:fs'
import { pathOf } from './names.ts'

const O_PATH = 0o10000000 // not among Node's constants; the same on x64 and arm64
const ENTRIES_AT_ONCE = 256

/** A folder that is held open. Paths below `base` are safe when they have one step more. */
export interface HeldFolder {
  readonly descriptor: number
  readonly base: string
}

/** What `descriptor` stands for, as a path. */
export const baseOf = (descriptor: number): string => `/proc/self/fd/${descriptor}`

/** Opens what `descriptor` stands for once more, without any right to its content. Whoever gets it closes it. */
export const openAgain = (descriptor: number): number => openSync(baseOf(descriptor), O_PATH)

/**
 * Holds the folder `name` of a held folder; `expected` is what it was just seen to be. Undefined when it is no longer
 * that. Throws what the kernel says when it may not be held.
 */
export function stepInto(parent: string, name: string, expected: Pick<Stats, 'ino' | 'dev'>): HeldFolder | undefined {
  const descriptor = openFolder(pathOf(`${parent}/${name}`))
  if (descriptor === undefined) return undefined
  const { ino, dev } = fstatSync(descriptor)
  if (ino === expected.ino && dev === expected.dev) return { descriptor, base: baseOf(descriptor) }
  closeSync(descriptor)
  return undefined
}

export function letGo({ descriptor }: HeldFolder): void {
  closeSync(descriptor)
}

/** The names in a held folder, to be read one by one. Throws what the kernel says. */
export const listing = ({ base }: HeldFolder): Dir =>
  opendirSync(base, { encoding: 'latin1' as BufferEncoding, bufferSize: ENTRIES_AT_ONCE })

/** What an entry is by itself; undefined when it is gone. */
export const look = (base: string, name: string): Stats | undefined =>
  lstatSync(pathOf(`${base}/${name}`), { throwIfNoEntry: false })

const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP'])

function openFolder(path: string | Buffer): number | undefined {
  try {
    return openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch (problem) {
    if (GONE.has((problem as NodeJS.ErrnoException).code ?? '')) return undefined
    throw problem
  }
}

/** The processes inside have the account of this one, unless it is root. An owner could open the folder at any time. */
export function isOutOfReach({ descriptor, base }: HeldFolder): boolean {
  const own = process.getuid?.()
  if (own === 0 || fstatSync(descriptor).uid === own) return false
  try {
    accessSync(base, constants.W_OK)
    return false
  } catch {
    return true
  }
}
