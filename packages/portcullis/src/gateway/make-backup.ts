/**
 * Decides in which order the parts of a gateway are taken: the store first, then the chains, then everything else. So whatever
 * the store holds has its record in the chains, and every call that was answered before has its records there.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { SignedEnd } from '../audit/ledger.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { BackupError } from '../data-protection/backup/backup-error.ts'
import { Catalogue, type CataloguedBackup } from '../data-protection/backup/catalogue.ts'
import { type Contents, DUMP_PATH, STORE_PATH } from '../data-protection/backup/contents.ts'
import type { BackupSigner } from '../data-protection/backup/manifest.ts'
import {
  isDraft,
  newBackupId,
  type Packer,
  type PlannedFile,
  writeBackup,
  type WrittenBackup,
} from '../data-protection/backup/write-backup.ts'
import { stateLayout } from '../config/state-layout.ts'
import { recordFiles, rootsOf, smallFiles } from './backup-sources.ts'
import { PRODUCT } from './product.ts'

export interface BackupParts {
  readonly config: Config
  readonly configFile: string
  /** Folder in which that of the backup is made. */
  readonly into: string
  readonly privateKeys: boolean
  /** The backup that is continued. Absent, or made after now by a clock that was ahead: a full one is made. */
  readonly since?: CataloguedBackup | undefined
  readonly packer: Packer
  readonly signer: BackupSigner
  readonly clock: Clock
  /** Copies the store, as it is at one moment, into a new file; undefined where there is nothing to copy. */
  readonly snapshot: ((file: string) => Promise<void>) | undefined
  /** Copies a store in PostgreSQL, as it is at one moment, into a new file of an empty folder; undefined where there is none. */
  readonly dump?: ((file: string) => Promise<NonNullable<Contents['database']>>) | undefined
  /** Signs all chains where they stand. */
  readonly checkpoints: () => Promise<readonly SignedEnd[]>
  /** Hears how far it is, and of how much, in bytes. */
  readonly told?: (done: number, total: number) => void
}

/** Longer than a backup takes. */
const STALE_MS = 86_400_000
const SNAPSHOT = /^backup-[0-9a-f]{16}\.(?:sqlite(?:-journal|-wal|-shm)?|pg)$/

/** Rejects with BackupError, StoreError, `audit.unavailable`, and what the file system throws; then no backup is there. */
export async function makeBackup(parts: BackupParts): Promise<WrittenBackup> {
  const { config, into, clock, told = () => {} } = parts
  mustLieApart(parts)
  mkdirSync(into, { recursive: true, mode: 0o700 })
  removeStale(parts)
  const id = newBackupId()
  const madeAt = clock.now()
  const since = parts.since !== undefined && parts.since.madeAt <= madeAt ? parts.since : undefined
  const places = copiesOf(config, id)
  try {
    const store = await copyStore(parts, places)
    const ends = await parts.checkpoints()
    const sources = { ...parts, ends, before: since?.contents }
    const files = { store: store.files, records: recordFiles(sources), files: smallFiles(sources) }
    const total = [...files.store, ...files.records, ...files.files].reduce((sum, file) => sum + bytesOf(file), 0)
    const about = { roots: rootsOf(parts), config: basename(parts.configFile), chains: ends, ...store.about }
    const { packer, signer, privateKeys } = parts
    const plan = { into, madeAt, about, files, packer, signer, privateKeys }
    const written = await writeBackup(
      {
        ...plan,
        program: `${PRODUCT.name} ${PRODUCT.version}`,
        ...(since && { base: { id: since.id, manifest: since.manifest } }),
        told: adding(total, told),
      },
      id,
    )
    await new Catalogue(stateLayout(config).backups).add({
      ...{ id, madeAt, manifest: written.digest, folder: written.folder, contents: written.contents },
      depth: since === undefined ? 0 : since.depth + 1,
    })
    return written
  } finally {
    for (const place of [places.embedded, places.dumped]) rmSync(place, { recursive: true, force: true })
  }
}

/** A copy of PostgreSQL has a folder of its own: while it is made, the way into the database lies beside it. */
const copiesOf = ({ state }: Pick<Config, 'state'>, id: string) => ({
  embedded: join(state, `backup-${id}.sqlite`),
  dumped: join(state, `backup-${id}.pg`),
})

async function copyStore({ snapshot, dump }: BackupParts, { embedded, dumped }: ReturnType<typeof copiesOf>) {
  await snapshot?.(embedded)
  const file = join(dumped, basename(DUMP_PATH))
  if (dump !== undefined) mkdirSync(dumped, { mode: 0o700 })
  const database = await dump?.(file)
  const hasStore = snapshot !== undefined
  return {
    files: [...(hasStore ? [storeFile(embedded, STORE_PATH)] : []), ...(database ? [storeFile(file, DUMP_PATH)] : [])],
    about: { hasStore, ...(database && { database }) },
  }
}

/** Counts pieces; a file may have grown since it was measured. */
function adding(total: number, told: (done: number, total: number) => void): (bytes: number) => void {
  let done = 0
  return (bytes) => {
    done += bytes
    told(done, Math.max(done, total))
  }
}

/** A backup that lies in what it is a copy of is lost with it, and grows with each one. */
function mustLieApart({ config, into }: BackupParts): void {
  const { state } = config
  if (into === state || into.startsWith(`${state}/`))
    throw new BackupError(
      'refused',
      `${into} is inside of the state folder; name another folder, best on another disk.`,
    )
}

/** What a process left behind that was killed, once nobody can be at it any more. */
function removeStale({ config, into, clock }: BackupParts): void {
  const isStale = (path: string) =>
    clock.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > STALE_MS
  const left = [
    ...readdirSync(config.state)
      .filter((name) => SNAPSHOT.test(name))
      .map((name) => join(config.state, name)),
    ...readdirSync(into)
      .filter(isDraft)
      .map((name) => join(into, name)),
  ]
  for (const path of left.filter(isStale)) rmSync(path, { recursive: true, force: true })
}

const storeFile = (file: string, path: string): PlannedFile => ({
  ...{ root: 'state', path, mode: 0o600, before: [] },
  source: { file, from: 0, bytes: 'all' },
})

function bytesOf({ source }: PlannedFile): number {
  if ('text' in source) return Buffer.byteLength(source.text)
  return source.bytes === 'all' ? (statSync(source.file, { throwIfNoEntry: false })?.size ?? 0) : source.bytes
}
