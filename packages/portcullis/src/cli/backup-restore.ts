/** `portcullis backup restore BACKUP`: puts a gateway back, and says what was lost. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { isHeld } from '../audit/lock.ts'
import { isWithin } from '../config/own-paths.ts'
import { readShape } from '../config/read-shape.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import type { Contents } from '../data-protection/backup/contents.ts'
import { openSeries } from '../data-protection/backup/open-backup.ts'
import { contentsOf } from '../data-protection/backup/stage.ts'
import type { Roots } from '../gateway/backup-sources.ts'
import { type PutBack, putBackPostgres } from '../gateway/postgres-copy.ts'
import { restoreBackup, type Restored } from '../gateway/restore-backup.ts'
import type { PostgresRestored } from '../stores/postgres/restore.ts'
import { keysFor, openFor, progressOf, type ReadingOptions } from './backup-files.ts'
import { parseInstant } from './durations.ts'
import { CommandError, EXIT } from './exit.ts'
import { configFile, configIsNamedOrThere } from './open-config.ts'
import { proverOf } from './prover-of.ts'
import { minute } from './show-list.ts'
import { ownersPassword } from './store-prepare.ts'
import { printable, type Terminal } from './terminal.ts'

export interface BackupRestoreOptions extends ReadingOptions {
  readonly to?: string
  readonly replace?: boolean
  readonly revokeBefore?: string
  readonly lostAuditKey?: boolean
  /** Who owns the schema in PostgreSQL. */
  readonly owner?: string
  readonly passwordFile?: string
  readonly passwordEnv?: string
}

/** Rejects with CommandError, BackupError, StoreError, AuditKeyError, ConfigError; then everything is as it was. */
export async function backupRestore(folder: string, options: BackupRestoreOptions, terminal: Terminal): Promise<void> {
  const place = resolve(folder)
  const present = presentConfig(options, terminal)
  const keys = keysFor(place, options, present?.config)
  const open = await openFor(options)
  if (open === undefined)
    throw new CommandError(EXIT.usage, 'Name what opens the backup: --identity FILE, or --passphrase-file FILE.')
  const now = terminal.clock.now()
  const revokeBefore =
    options.revokeBefore === undefined
      ? undefined
      : options.revokeBefore === 'now'
        ? now
        : parseInstant(options.revokeBefore, now)
  const series = openSeries(
    place,
    keys,
    options.in?.map((one) => resolve(one)),
  )
  const contents = await contentsOf(series, open)
  const target = targetOf(contents.roots, options, present)
  mustNotRun(target)
  const mustBeIdle = () => mustNotRun(target)
  const restored = await restoreBackup({
    ...{ series, open, keys, contents, target, revokeBefore, mustBeIdle, clock: terminal.clock, by: 'command line' },
    told: progressOf(terminal, 'opened'),
    putBack: putBackFor(contents, target, options, terminal),
    replace: options.replace === true,
    lostAuditKey: options.lostAuditKey === true,
  })
  terminal.progress?.('')
  if (options.json === true) terminal.out(JSON.stringify({ target, restored }))
  else terminal.out(target.state)
  if (restored === 'finished')
    terminal.err('A restore that was interrupted after it was complete has been put in place.')
  else for (const line of sentences(restored, contents, revokeBefore)) terminal.err(line)
}

interface Present {
  readonly config: Config
  readonly file: string
}

/** What is there now says where things go; where it names files that are not there, that is what the restore is for. */
function presentConfig(options: BackupRestoreOptions, terminal: Terminal): Present | undefined {
  if (options.to !== undefined || !configIsNamedOrThere(options, terminal)) return undefined
  const file = resolve(configFile(options, terminal))
  return existsSync(file) ? { file, config: readShape(readFileSync(file, 'utf8'), file) } : undefined
}

function targetOf(were: Contents['roots'], { to, config }: BackupRestoreOptions, present: Present | undefined): Roots {
  if (present !== undefined)
    return { state: present.config.state, audit: stateLayout(present.config).audit, home: dirname(present.file) }
  const home = to !== undefined ? resolve(to) : config !== undefined ? dirname(resolve(config)) : were.home
  // What lay outside is where the configuration says, which comes back as it was.
  const place = (path: string) => (isWithin(path, were.home) ? join(home, relative(were.home, path)) : path)
  return { home, state: place(were.state), audit: place(were.audit) }
}

/** The configuration that says where PostgreSQL is comes back first. */
function putBackFor(
  { config: name }: Contents,
  { home }: Roots,
  options: BackupRestoreOptions,
  terminal: Terminal,
): ((put: PutBack) => Promise<PostgresRestored>) | undefined {
  const { owner: username } = options
  if (username === undefined) return undefined
  const owner = { username, password: ownersPassword(options) }
  return (put) => {
    const file = join(home, name)
    const config = readShape(readFileSync(file, 'utf8'), file)
    const way = { config, environment: terminal.environment, prover: proverOf(config, terminal) }
    return putBackPostgres(way, owner, put)
  }
}

function mustNotRun({ audit }: Roots): void {
  if (existsSync(audit) && readdirSync(audit).some((chain) => isHeld(join(audit, chain))))
    throw new CommandError(
      EXIT.unavailable,
      'Stop the gateway first: it writes the chains in the folder that is to be replaced.',
    )
}

function sentences(
  { madeAt, records, carried, recordsLeft, kept, leftAlone, outside, hasTenantKeys, database }: Restored,
  { hasStore }: Contents,
  revokeBefore: number | undefined,
): readonly string[] {
  return [
    `Restored as of ${minute(madeAt)}, with ${records} records; each chain says so.`,
    ...(database === undefined ? [] : databaseSentences(database, madeAt)),
    ...(hasStore ? lossOf(carried, madeAt) : []),
    ...(hasStore || database ? [] : ['The backup holds no store: keys and revocations begin anew.']),
    ...(recordsLeft > 0
      ? [
          `${recordsLeft} records after the backup are only in the chains that are kept beside; witnesses may have seen them.`,
        ]
      : []),
    ...(revokeBefore === undefined
      ? []
      : [
          `No token that was issued before ${minute(revokeBefore)} is believed, and everybody who was signed in has to sign in again.`,
        ]),
    ...(hasTenantKeys || database
      ? []
      : [
          'What is sealed cannot be opened yet: put tenant-keys.sqlite or dataProtection.tenantKeys.copy, and the key-encryption key, back where they were.',
        ]),
    ...kept.map((folder) => `What was there before is in ${printable(folder)}; remove it when you do not need it.`),
    // Whoever has the audit key says what a backup holds, so nothing is put into places of the system in silence.
    ...outside.map((file) => `${printable(file)} was put back, outside of the folders of the gateway; look at it.`),
    ...leftAlone.map((file) => `${printable(file)} is not as in the backup, and was left as it is.`),
  ]
}

function databaseSentences(database: NonNullable<Restored['database']>, madeAt: number): readonly string[] {
  if (database === 'left alone')
    return ['PostgreSQL was left as it is. To put its copy back too, name the owner of the schema with --owner.']
  const { kept, carried } = database
  return [
    'PostgreSQL was put back. Its keys of tenants are as they were; into a new database put them back from their own copy.',
    ...(kept === undefined ? [] : [`What was there is in the schema ${kept}; drop it when you do not need it.`]),
    ...lossOf(carried, madeAt),
  ]
}

function lossOf(carried: Restored['carried'], madeAt: number): readonly string[] {
  if (carried !== undefined) {
    const { revocations, blocks, ended, used, grants } = carried
    return [
      `Taken over from the store that was there: ${revocations} revocations, ${blocks} blocks, ${ended} ended credentials and accounts, ${used} used proofs, ${grants} ended sign-ins.`,
    ]
  }
  return [
    `Lost is whatever was changed after ${minute(madeAt)}: keys and accounts that were revoked since work again, blocks and revocations since do not hold, and what was used once can be used once more.`,
    'To believe no older token: --revoke-before now. Keys of callers: portcullis key list, key revoke.',
  ]
}
