/** Puts a gateway back from a backup: everything is examined aside, told to the chains, and only then put in place. */
import { constants, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { CHAIN_RULES } from '../audit/chain.ts'
import { openAuditKey, publicAuditKeys, replaceLostKey } from '../audit/key-file.ts'
import { chainFolder, ChainLedger } from '../audit/ledger.ts'
import { GATEWAY_TENANT } from '../audit/record.ts'
import { lastRecord } from '../audit/removal.ts'
import { segmentsOf } from '../audit/lines.ts'
import { stateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import { BackupError } from '../data-protection/backup/backup-error.ts'
import { type Contents, DUMP_PATH, STORE_PATH } from '../data-protection/backup/contents.ts'
import type { Manifest } from '../data-protection/backup/manifest.ts'
import type { OpenedBackup } from '../data-protection/backup/open-backup.ts'
import { privateFolder } from '../pki/private-file.ts'
import type { CarriedOver } from '../stores/carried-over.ts'
import type { PostgresRestored } from '../stores/postgres/restore.ts'
import { carryOver, endGrants } from '../stores/sqlite/snapshot.ts'
import { type UnpackParts, unpackSound } from './check-backup.ts'
import { distrust, readDistrust } from './distrust.ts'
import { keepNewest } from './newest-lock.ts'
import { PRODUCT } from './product.ts'
import { type PutBack, putDatabase } from './postgres-copy.ts'
import { putBackCursors } from './restore-cursors.ts'
import {
  asideOf,
  isComplete,
  markComplete,
  mustBeFree,
  NEVER_IN_A_BACKUP,
  putInPlace,
  type RestoreTarget,
  stagedAudit,
} from './restore-target.ts'

export interface RestoreParts extends UnpackParts {
  readonly target: RestoreTarget
  readonly replace: boolean
  /** The key of the chains is nowhere any more: a new one is made, and every chain says so. */
  readonly lostAuditKey: boolean
  /** Tokens that were issued before (milliseconds since the epoch) are worth nothing any more. */
  readonly revokeBefore?: number | undefined
  readonly clock: Clock
  /** Who does it, for the records. */
  readonly by: string
  /** Called right before anything changes its place; throws when somebody uses what is there. */
  readonly mustBeIdle?: () => void
  /** Puts a copy of PostgreSQL back, whole or not at all; the configuration is in its place by then. Absent: what is there stays. */
  readonly putBack?: ((put: PutBack) => Promise<PostgresRestored>) | undefined
}

export interface Restored {
  readonly madeAt: number
  readonly records: number
  /** Refusals of the state that was there; absent where there was none, or it could not be read. */
  readonly carried?: CarriedOver
  /** Records after the backup, which are only where the old chains are kept. */
  readonly recordsLeft: number
  /** Folders in which what was there before is kept. */
  readonly kept: readonly string[]
  /** Files of the configuration that are not as in the backup; they were left as they are. */
  readonly leftAlone: readonly string[]
  /** Files that were put outside of the folders of the gateway, where the backup says that they were. */
  readonly outside: readonly string[]
  /** Whether the sealed secrets can be opened: their keys are never in a backup. */
  readonly hasTenantKeys: boolean
  /** What came of a copy of PostgreSQL; absent where the backup has none. */
  readonly database?: PostgresRestored | 'left alone'
}

/** Rejects with BackupError, StoreError, AuditKeyError and what the file system throws; then everything is as it was. */
export async function restoreBackup(parts: RestoreParts): Promise<Restored | 'finished'> {
  const { target, clock } = parts
  const { manifest } = parts.series.at(-1) as OpenedBackup
  if (isComplete(target, manifest.id)) {
    await putInPlace(target, clock.now())
    return 'finished'
  }
  mustBeFree(target, parts.replace)
  const aside = asideOf(target.state)
  const found = join(aside, '.found')
  try {
    privateFolder(aside)
    const outside = { home: join(found, 'home'), elsewhere: join(found, 'elsewhere') }
    const roots = { state: aside, audit: stagedAudit(target), ...outside }
    const { contents, records } = await unpackSound(parts, roots)
    takeKeys(target.state, aside, manifest)
    const carried = await takeRefusals(target.state, aside, contents, clock.now())
    if (parts.revokeBefore !== undefined) await distrustBefore(aside, contents, parts.revokeBefore)
    putBackCursors(join(aside, 'exports'), contents.chains)
    const recordsLeft = recordsAfter(contents, target.audit)
    await tellChains(parts, contents, { carried, recordsLeft })
    parts.mustBeIdle?.()
    const put = putFiles(contents, { from: outside, to: target })
    rmSync(found, { recursive: true, force: true })
    // Last of what can fail: from then on the store is that of the backup, and the chains that say so are about to take their place.
    const database = await putDatabase(parts, contents, join(aside, DUMP_PATH))
    await markComplete(target, manifest.id)
    const kept = (await putInPlace(target, clock.now())).filter(keepsMore)
    const hasTenantKeys = existsSync(join(target.state, 'tenant-keys.sqlite'))
    return {
      madeAt: manifest.madeAt,
      records,
      recordsLeft,
      kept,
      ...put,
      hasTenantKeys,
      ...(carried && { carried }),
      ...(database && { database }),
    }
  } catch (thrown) {
    if (!existsSync(join(aside, 'restored.json')))
      for (const one of [aside, stagedAudit(target)]) rmSync(one, { recursive: true, force: true })
    throw thrown
  }
}

/** Where only keys were, these have moved on: nothing is left to be kept. */
function keepsMore(folder: string): boolean {
  if (readdirSync(folder).some((name) => !NEVER_IN_A_BACKUP.includes(name))) return true
  rmSync(folder, { recursive: true, force: true })
  return false
}

/**
 * What no backup holds stays; and the private keys, where this one was made without them, or where the gateway has its own still:
 * these are as new as those in the backup or newer, and one that was replaced since because it had leaked must not come back.
 */
function takeKeys(old: string, aside: string, { privateKeys, key }: Manifest): void {
  if (!existsSync(old)) return
  const copy = (name: string) => {
    if (!existsSync(join(old, name))) return
    mkdirSync(dirname(join(aside, name)), { recursive: true, mode: 0o700 })
    copyFileSync(join(old, name), join(aside, name))
  }
  for (const name of NEVER_IN_A_BACKUP) copy(name)
  if (privateKeys && !hasKeysOf(old, key)) return
  // The history of the chains' key belongs to the key.
  const ofAudit = existsSync(join(old, 'audit.key'))
    ? readdirSync(old).filter((name) => /^audit\.key(?:\.|$)/.test(name))
    : []
  const authority = existsSync(join(old, 'authority'))
    ? readdirSync(join(old, 'authority'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(old, join(entry.parentPath, entry.name)))
    : []
  // As a whole: an intermediate of the backup may have been withdrawn since.
  if (authority.length > 0) rmSync(join(aside, 'authority'), { recursive: true, force: true })
  for (const name of [...ofAudit, 'tokens.key', 'lock.key', 'telemetry.key', 'admin.key', ...authority]) copy(name)
}

/** Whether the state is that of the gateway whose key has signed the backup. */
function hasKeysOf(state: string, key: string): boolean {
  try {
    const file = join(state, 'audit.key')
    return existsSync(file) && publicAuditKeys(file).has(key)
  } catch {
    return false
  }
}

/** What keeps older tokens and older locks from being believed never goes back. */
function keepMarks(old: string, aside: string, now: number): void {
  const [marks, locks] = [join(old, 'distrust.json'), join(old, 'newest-lock.json')]
  const before = existsSync(marks) ? distrustedBefore(marks, now) : undefined
  if (before !== undefined) distrust(join(aside, 'distrust.json'), before)
  if (existsSync(locks)) keepNewest(locks, join(aside, 'newest-lock.json'))
}

/** Of a mark that is damaged nobody knows what it refused, so nothing older than now is believed. */
function distrustedBefore(file: string, now: number): number | undefined {
  try {
    return readDistrust(file)
  } catch {
    return now
  }
}

async function takeRefusals(
  old: string,
  aside: string,
  { hasStore }: Contents,
  now: number,
): Promise<CarriedOver | undefined> {
  keepMarks(old, aside, now)
  const newer = join(old, STORE_PATH)
  if (!hasStore || !existsSync(newer)) return undefined
  // A store that cannot be read is why somebody restores; what is lost is told.
  return carryOver(newer, join(aside, STORE_PATH)).catch(() => undefined)
}

async function distrustBefore(aside: string, { hasStore }: Contents, before: number): Promise<void> {
  distrust(join(aside, 'distrust.json'), before)
  if (hasStore) await endGrants(join(aside, STORE_PATH))
}

function recordsAfter({ chains }: Contents, audit: string): number {
  return chains.reduce((sum, { folder, sequence }) => {
    const directory = join(audit, folder)
    const last = existsSync(directory) ? segmentsOf(directory).at(-1) : undefined
    const end = last === undefined ? undefined : lastRecord(`${directory}/${last}`)
    return sum + Math.max(0, (end?.seq ?? 0) - sequence)
  }, 0)
}

interface KeyPlace {
  readonly auditKey: string
  /** Of the chains. */
  readonly directory: string
  readonly hasChains: boolean
}

/** The key that signs from here on. */
function signerOf({ lostAuditKey, clock }: RestoreParts, { auditKey, directory, hasChains }: KeyPlace) {
  const isGone = !existsSync(auditKey)
  if (isGone && !lostAuditKey) {
    const mend =
      'put audit.key into the state folder; if it is lost, say --lost-audit-key, which starts a new key and says so in every chain'
    throw new BackupError(
      'refused',
      `The backup was made without private keys, and the key of the audit chains is not here; ${mend}.`,
    )
  }
  return isGone && hasChains ? replaceLostKey(auditKey, directory, clock.now()) : openAuditKey(auditKey, directory)
}

/** Each chain goes on from where it was signed, and its first word is that it was put back. */
async function tellChains(
  parts: RestoreParts,
  { chains, id, madeAt }: Contents,
  lost: { readonly carried: CarriedOver | undefined; readonly recordsLeft: number },
): Promise<void> {
  const { target, clock, by, revokeBefore } = parts
  const directory = stagedAudit(target)
  const { auditKey } = stateLayout({ state: asideOf(target.state), audit: {} as never })
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const signer = signerOf(parts, { auditKey, directory, hasChains: chains.length > 0 })
  const tenants = new Set([GATEWAY_TENANT, ...chains.map(({ tenant }) => tenant)])
  const program = `${PRODUCT.name} ${PRODUCT.version}, restore`
  const ledger = await ChainLedger.open({
    directory,
    signer,
    clock,
    rules: CHAIN_RULES,
    program,
    weaknesses: [],
    tenants: [...tenants],
  })
  try {
    for (const tenant of tenants) {
      const from = chains.find(({ folder }) => folder === chainFolder(tenant))
      const position = from && { sequence: from.sequence, hash: from.hash }
      const detail = {
        backup: id,
        madeAt,
        ...(position && { from: position }),
        ...lost,
        ...(revokeBefore !== undefined && { revokeBefore }),
      }
      await ledger.append(tenant, { kind: 'change', what: 'backup.restored', by, detail })
    }
  } finally {
    await ledger.close()
  }
}

/** The configuration and what it names. What is there already is the operator's present word, and stays. */
function putFiles(
  { files }: Contents,
  { from, to }: { readonly from: Readonly<Record<'home' | 'elsewhere', string>>; readonly to: RestoreTarget },
): Pick<Restored, 'leftAlone' | 'outside'> {
  const [leftAlone, outside]: [string[], string[]] = [[], []]
  for (const { root, path } of files) {
    if (root !== 'home' && root !== 'elsewhere') continue
    const source = join(from[root], path)
    const place = root === 'home' ? join(to.home, path) : join(to.elsewhere ?? '/', path)
    if (existsSync(place)) {
      if (!readFileSync(place).equals(readFileSync(source))) leftAlone.push(place)
      continue
    }
    mkdirSync(dirname(place), { recursive: true, mode: 0o755 })
    // Never through a link that leads nowhere yet.
    copyFileSync(source, place, constants.COPYFILE_EXCL)
    if (root === 'elsewhere') outside.push(place)
  }
  return { leftAlone, outside }
}
