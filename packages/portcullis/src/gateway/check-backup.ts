/** Decides whether what was put together from a backup is worth anything: the store is whole, and every chain verifies to where it was signed. */
import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { verifyChain } from '../audit/verify.ts'
import { BackupError } from '../data-protection/backup/backup-error.ts'
import { type Contents, DUMP_PATH, STORE_PATH } from '../data-protection/backup/contents.ts'
import type { OpenedBackup } from '../data-protection/backup/open-backup.ts'
import { contentsOf, type Open, stage, type StageRoots } from '../data-protection/backup/stage.ts'
import { mustBeSoundSqlite } from '../stores/sqlite/snapshot.ts'

export interface UnpackParts {
  /** The oldest first; see `openSeries`. */
  readonly series: readonly OpenedBackup[]
  readonly open: Open
  /** Public keys by id that are known from elsewhere. */
  readonly keys: ReadonlyMap<string, KeyObject>
  readonly told?: ((bytes: number) => void) | undefined
  /** Where the parts have been examined, and this was read, already. */
  readonly contents?: Contents
}

export interface SoundBackup {
  readonly contents: Contents
  readonly records: number
  /** Whether a copy of PostgreSQL was read to its end, for which `pg_restore` must be here. Absent: there is none. */
  readonly database?: 'whole' | 'not read'
}

/** Unpacks a series below `roots`, which hold nothing yet, and examines it. Rejects with BackupError. */
export async function unpackSound(
  { series, open, keys, told, contents: read }: UnpackParts,
  roots: StageRoots,
): Promise<SoundBackup> {
  const contents = read ?? (await contentsOf(series, open))
  await stage(series, contents, open, roots, told)
  if (contents.hasStore) await mustHoldStore(roots)
  const { database } = contents
  const isRead = database && (await mustHoldDump(roots, database))
  const { key } = (series.at(-1) as OpenedBackup).manifest
  let records = 0
  for (const chain of contents.chains) records += mustVerify(chain, roots, keys, key)
  return { contents, records, ...(database && { database: isRead === true ? 'whole' : 'not read' }) }
}

async function mustHoldStore(roots: StageRoots): Promise<void> {
  try {
    await mustBeSoundSqlite(join(roots.state, STORE_PATH))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(`${roots.state}/`, '') : String(cause)
    throw new BackupError('unsound', `The store in the backup does not serve: ${why}`, cause)
  }
}

async function mustHoldDump(roots: StageRoots, facts: NonNullable<Contents['database']>): Promise<boolean> {
  const { mustBeSoundDump } = await import('../stores/postgres/read-dump.ts')
  try {
    return await mustBeSoundDump(join(roots.state, DUMP_PATH), facts)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replaceAll(`${roots.state}/`, '') : String(cause)
    throw new BackupError('unsound', `The copy of PostgreSQL in the backup does not serve: ${why}`, cause)
  }
}

function mustVerify(
  { folder, tenant, sequence, hash }: Contents['chains'][number],
  roots: StageRoots,
  keys: ReadonlyMap<string, KeyObject>,
  current: string,
): number {
  const verdict = verifyChain({ directory: join(roots.audit, folder), keys, current, known: { sequence, hash } })
  if (!verdict.sound) {
    const place = [verdict.file, verdict.line].filter((part) => part !== undefined).join(':')
    throw new BackupError(
      'unsound',
      `The audit chain of ${tenant} in the backup is broken ${place}: ${verdict.problem}.`,
    )
  }
  if (verdict.last.sequence !== sequence || verdict.tenant !== tenant)
    throw new BackupError('unsound', `The audit chain of ${tenant} in the backup does not end where it was signed.`)
  return verdict.records
}
