/** The file in which what is usual outlasts a restart: for the gateway alone, whole or not at all. */
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync } from 'node:fs'
import { decode, encode } from '../anomalies/snapshot.ts'
import type { Memory } from '../anomalies/memory.ts'
import { RECORD_BYTES } from '../anomalies/layout.ts'
import { writeWholeAside } from '../pki/private-file.ts'

/** Room for names and for what else a snapshot holds, for each subject, and all tables of transitions. */
const NAME_BYTES = 1_100
const FURTHER_BYTES = 64 * 1_048_576

/** `fresh`: there was none. `damaged`: it could not be used and was put aside, so everything is learned anew. */
export type Restored = { readonly state: 'restored' | 'fresh' } | { readonly state: 'damaged'; readonly cause: unknown }

/**
 * Fills a memory from the file. What cannot be used is not believed in part: `make` gives the memory that is used then. The
 * gateway starts all the same, because rules that need no habits hold from the first call; whoever runs it is told.
 */
export function restore(file: string, make: () => Memory): { readonly memory: Memory; readonly restored: Restored } {
  const memory = make()
  try {
    const bytes = read(file, memory)
    if (bytes === undefined) return { memory, restored: { state: 'fresh' } }
    decode(bytes, memory)
    return { memory, restored: { state: 'restored' } }
  } catch (cause) {
    putAside(file)
    return { memory: make(), restored: { state: 'damaged', cause } }
  }
}

/** Writes it, in turns. Rejects with what the file system says; then the file is what it was. */
export const save = (file: string, memory: Memory, now: number): Promise<void> =>
  writeWholeAside(file, pieces(memory, now), 0o600)

// oxlint-disable-next-line typescript/require-await -- each piece is one turn of the event loop
async function* pieces(memory: Memory, now: number): AsyncGenerator<Uint8Array> {
  yield* encode(memory, now)
}

function read(file: string, { tables }: Memory): Buffer | undefined {
  const descriptor = open(file)
  if (descriptor === undefined) return undefined
  try {
    const { mode, size } = fstatSync(descriptor)
    if ((mode & 0o077) !== 0) throw new Error('others can read or write it')
    const subjects = Object.values(tables).reduce((sum, { capacity }) => sum + capacity, 0)
    if (size > subjects * (RECORD_BYTES + NAME_BYTES) + FURTHER_BYTES) throw new Error('it is too large')
    return readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function open(file: string): number | undefined {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
}

/** For whoever wants to know what happened; the one before is replaced. */
function putAside(file: string): void {
  try {
    renameSync(file, `${file}.damaged`)
  } catch {
    // It is replaced by the next snapshot.
  }
}
