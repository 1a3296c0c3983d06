/** What the files of a folder take: blocks on the disk, each file once however many names it has. */
import type { Stats } from 'node:fs'

/** The part of `Stats` that is counted. */
export type Weight = Pick<Stats, 'dev' | 'ino' | 'nlink' | 'blocks'> & { readonly isFolder: boolean }

/** POSIX: `st_blocks` is in units of 512 bytes, whatever the file system uses. */
export const BLOCK_BYTES = 512

export class Totals {
  /** Allocated, not apparent: a sparse file costs what it holds. */
  bytes = 0
  /** Names, folders included. */
  files = 0
  readonly #shared = new Map<string, { names: number; bytes: number }>()

  add(weight: Weight): void {
    this.files++
    const bytes = weight.blocks * BLOCK_BYTES
    if (isSingle(weight)) {
      this.bytes += bytes
      return
    }
    const known = this.#shared.get(keyOf(weight))
    this.bytes += bytes - (known?.bytes ?? 0)
    this.#shared.set(keyOf(weight), { names: (known?.names ?? 0) + 1, bytes })
  }

  /** Takes away what was added with the same weight. */
  subtract(weight: Weight): void {
    this.files--
    const known = isSingle(weight) ? undefined : this.#shared.get(keyOf(weight))
    if (known === undefined) this.bytes -= weight.blocks * BLOCK_BYTES
    else if (--known.names === 0) {
      this.bytes -= known.bytes
      this.#shared.delete(keyOf(weight))
    }
  }
}

const isSingle = ({ isFolder, nlink }: Weight) => isFolder || nlink <= 1

const keyOf = ({ dev, ino }: Weight) => `${dev}:${ino}`
