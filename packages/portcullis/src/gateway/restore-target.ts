/**
 * Decides how what was restored takes the place of what is there: whole or not at all. It is made aside; a mark, written last,
 * says that it is complete; then folders are renamed. A restore that was killed before the mark has changed nothing, one that was
 * killed after it is finished by the next.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncDirectory } from '../audit/append-file.ts'
import { isWithin } from '../config/own-paths.ts'
import { BackupError } from '../data-protection/backup/backup-error.ts'
import { writeWhole } from '../pki/private-file.ts'
import type { Roots } from './backup-sources.ts'

/** What is never in a backup, so that it may be in the folder before: the operator has put it there. */
export const NEVER_IN_A_BACKUP: readonly string[] = ['vault.keys', 'tenant-keys.sqlite', 'tenant-keys.sqlite-journal']

export interface RestoreTarget extends Roots {
  /** Where files go that were outside of all folders; absent: to where they were. */
  readonly elsewhere?: string
}

const MARK = 'restored.json'

export const asideOf = (folder: string): string => `${folder}.restoring`

/** Where the chains are put together: in the state folder, or beside their own. */
export const stagedAudit = ({ state, audit }: Roots): string =>
  isWithin(audit, state) ? join(asideOf(state), audit.slice(state.length)) : asideOf(audit)

/** Throws BackupError unless both folders may be filled: empty, or `replace` is said. */
export function mustBeFree(target: Roots, replace: boolean): void {
  if (replace) return
  for (const folder of foldersOf(target)) {
    const there = existsSync(folder) ? readdirSync(folder).filter((name) => !NEVER_IN_A_BACKUP.includes(name)) : []
    if (there.length === 0) continue
    const mend = 'name another place, or say --replace, which keeps what is there beside it'
    throw new BackupError('refused', `${folder} is not empty; ${mend}.`)
  }
}

/**
 * Whether a restore of this very backup was complete and only not put in place. Anything else that lies aside is removed; so is
 * one of which nothing has taken its place yet, because what is there may have gone on since, and refuse more than it knows.
 */
export function isComplete(target: Roots, id: string): boolean {
  const mark = join(asideOf(target.state), MARK)
  const isMarked = existsSync(mark) && readFileSync(mark, 'utf8').trim() === JSON.stringify({ id })
  const hasBegun = !existsSync(target.state) || foldersOf(target).some((folder) => !existsSync(asideOf(folder)))
  if (isMarked && hasBegun) return true
  for (const folder of foldersOf(target)) rmSync(asideOf(folder), { recursive: true, force: true })
  return false
}

/** Everything is on the disk: from here on the restore will be finished. */
export async function markComplete(target: Roots, id: string): Promise<void> {
  for (const folder of foldersOf(target)) await syncTree(asideOf(folder))
  writeWhole(join(asideOf(target.state), MARK), `${JSON.stringify({ id })}\n`, 0o600)
}

/** Renames. What was there is kept beside it; resolves with where. */
export async function putInPlace(target: Roots, now: number): Promise<readonly string[]> {
  const kept: string[] = []
  for (const folder of foldersOf(target)) {
    if (!existsSync(asideOf(folder))) continue
    if (existsSync(folder)) {
      const before = freeName(`${folder}.before-${new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')}`)
      await rename(folder, before)
      kept.push(before)
    }
    await mkdir(dirname(folder), { recursive: true })
    await rename(asideOf(folder), folder)
    await syncDirectory(dirname(folder))
  }
  rmSync(join(target.state, MARK), { force: true })
  return kept
}

/** Two restores in one second each keep what they found. */
function freeName(path: string): string {
  for (let number = 2, name = path; ; number++) {
    if (!existsSync(name)) return name
    name = `${path}-${number}`
  }
}

/** The state folder last: while it is not there, no gateway has anything to start from. */
const foldersOf = ({ state, audit }: Roots): readonly string[] => (isWithin(audit, state) ? [state] : [audit, state])

async function syncTree(folder: string): Promise<void> {
  if (!existsSync(folder)) return
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries) if (entry.isDirectory()) await syncDirectory(join(entry.parentPath, entry.name))
  await syncDirectory(folder)
}
