/** A writable path that is one file: it has no room to measure, only changes. */
import { fstatSync } from 'node:fs'
import type { Clock } from '../../core/clock.ts'
import type { FileAccess } from '../access.ts'
import { digestOf } from './digest.ts'
import { type FileNode, fileNode, isSameFile } from './nodes.ts'

export interface SingleFileOptions {
  readonly descriptor: number
  readonly shown: string
  readonly clock: Clock
  readonly onChange: (change: FileAccess) => void
}

export class SingleFile {
  readonly #options: SingleFileOptions
  #known: FileNode

  constructor(options: SingleFileOptions) {
    this.#options = options
    this.#known = fileNode(fstatSync(options.descriptor), options.clock.now(), 0, undefined)
  }

  /** Reports when it is not what it was. It cannot be removed: it is mounted. */
  refresh(): void {
    const { descriptor, shown, clock, onChange } = this.#options
    const stats = fstatSync(descriptor)
    const mayHideChange = !this.#known.isSettled && this.#known.digest !== undefined
    if (isSameFile(this.#known, stats) && !mayHideChange) return
    const digested = digestOf(descriptor)
    const seen = digested?.stats ?? stats
    const isSame = isSameFile(this.#known, seen) && digested?.digest === this.#known.digest
    this.#known = fileNode(seen, clock.now(), 0, digested?.digest)
    if (isSame) return
    const digest = digested === undefined ? {} : { digest: digested.digest }
    onChange({ kind: 'file', change: 'changed', path: shown, bytes: seen.size, ...digest })
  }
}
