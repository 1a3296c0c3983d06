/**
 * Remembers, beside the store, what the backups held that were made here: a gateway can seal a backup but not open one, and the
 * next has to know what it may leave out. There are names and digests in it, as open as the state folder itself.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Contents } from './contents.ts'
import { BACKUP_ID } from './manifest.ts'

/** What is remembered of one backup. */
export interface CataloguedBackup {
  readonly id: string
  readonly madeAt: number
  /** SHA-256 of its manifest. */
  readonly manifest: string
  /** Where it was put. */
  readonly folder: string
  /** How many it continues. */
  readonly depth: number
  readonly contents: Contents
}

const KEPT = 64

export class Catalogue {
  readonly #folder: string

  /** `folder` is made with the first entry. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Undefined for a backup that was not made here, or was forgotten. */
  find(id: string): CataloguedBackup | undefined {
    if (!BACKUP_ID.test(id)) return undefined
    try {
      return JSON.parse(readFileSync(join(this.#folder, `${id}.json`), 'utf8')) as CataloguedBackup
    } catch {
      // A backup that continues nothing is always possible.
      return undefined
    }
  }

  /**
   * The newest that was made up to `now`, wherever it lies: one of a clock that was ahead would keep all others waiting, and no
   * backup can be opened that continues one of its own future.
   */
  newest(now: number): CataloguedBackup | undefined {
    return this.#all()
      .filter(({ madeAt }) => madeAt <= now)
      .toSorted((a, b) => a.madeAt - b.madeAt)
      .at(-1)
  }

  /** Rejects with what the file system throws. */
  async add(entry: CataloguedBackup): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const file = join(this.#folder, `${entry.id}.json`)
    await writeFile(`${file}.next`, JSON.stringify(entry), { mode: 0o600, flush: true })
    await rename(`${file}.next`, file)
    const old = this.#all()
      .toSorted((a, b) => b.madeAt - a.madeAt)
      .slice(KEPT)
    for (const { id } of old) await rm(join(this.#folder, `${id}.json`), { force: true })
  }

  #all(): readonly CataloguedBackup[] {
    let names: readonly string[]
    try {
      names = readdirSync(this.#folder)
    } catch {
      return []
    }
    return names.flatMap((name) => (name.endsWith('.json') ? (this.find(name.slice(0, -5)) ?? []) : []))
  }
}
