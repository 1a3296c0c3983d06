/** `portcullis backup wal-…`: points in time of a PostgreSQL, by its own archive and recovery, sealed and signed on the way. */
import type { KeyObject } from 'node:crypto'
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { checkpointSigner, loadCheckpointKey, readCheckpointPublicKey } from '../audit/checkpoint.ts'
import type { BackupSigner } from '../data-protection/backup/manifest.ts'
import { archiveWal, baseName, fetchWal, newestBase } from '../data-protection/backup/wal-archive.ts'
import { addressAs } from '../gateway/postgres-copy.ts'
import type { PostgresAddress } from '../stores/postgres/connection.ts'
import { megabytes, openFor, progressOf, type ReadingOptions } from './backup-files.ts'
import { recipientsOf, type RecipientOptions } from './backup-recipients.ts'
import { parseInstant } from './durations.ts'
import { CommandError, EXIT } from './exit.ts'
import { type ConfigOption, openConfig } from './open-config.ts'
import { proverOf } from './prover-of.ts'
import { ownersPassword } from './store-prepare.ts'
import type { Terminal } from './terminal.ts'

interface ArchiveOption {
  readonly archive: string
  readonly json?: boolean
}

export interface WalArchiveOptions extends ArchiveOption, RecipientOptions {
  readonly signingKey: string
}

/** Makes the key that signs what is archived, and prints its id. Rejects with CommandError when there is one. */
export function backupWalKey({ out }: { readonly out: string }, terminal: Terminal): void {
  const file = resolve(out)
  if (existsSync(file)) throw new CommandError(EXIT.usage, `${file} is there already; name a file that is not.`)
  terminal.out(checkpointSigner(loadCheckpointKey(file)).keyId)
  terminal.err(`The key is in ${file}, for the account of PostgreSQL alone; ${file}.pub is what wal-restore believes.`)
}

/** `archive_command`. Rejects with BackupError for another file of that name; then PostgreSQL keeps the segment and asks again. */
export async function backupWalArchive(path: string, options: WalArchiveOptions, terminal: Terminal): Promise<void> {
  const statement = await archiveWal({
    ...{
      folder: resolve(options.archive),
      name: basename(path),
      plain: bytesOf(path),
      now: () => terminal.clock.now(),
    },
    ...{ sealer: await recipientsOf(options), signer: signerIn(options.signingKey) },
  })
  if (options.json === true) terminal.out(JSON.stringify(statement))
}

/** Opened when it is asked for, so that nothing is when something else is refused first. */
async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path) as AsyncIterable<Uint8Array>
}

/** `checkpointSigner` makes a key where there is none, which nobody would believe. */
function signerIn(file: string): BackupSigner {
  if (!existsSync(file))
    throw new CommandError(
      EXIT.usage,
      `There is no key at ${file}; make one with: portcullis backup wal-key -o ${file}`,
    )
  return checkpointSigner(loadCheckpointKey(file))
}

export interface WalBaseOptions extends WalArchiveOptions, ConfigOption {
  readonly role: string
  readonly passwordFile?: string
  readonly passwordEnv?: string
  readonly socket?: string
  readonly port?: string
  readonly programs?: string
}

/** A whole copy, from which a recovery begins. Rejects with StoreError and BackupError; then there is none. */
export async function backupWalBase(options: WalBaseOptions, terminal: Terminal): Promise<void> {
  const { baseCopy } = await import('../stores/postgres/base-copy.ts')
  const sealer = await recipientsOf(options)
  const signer = signerIn(options.signingKey)
  const scratch = mkdtempSync(join(tmpdir(), 'portcullis-base-'))
  try {
    const address = await baseAddress(options, terminal)
    const copy = await baseCopy({ address, scratch, server: 0, programs: options.programs })
    const { mustBeAll, plain, end } = copy
    try {
      const statement = await archiveWal({
        ...{ folder: resolve(options.archive), name: baseName(terminal.clock.now()), plain, mustBeAll, sealer, signer },
        ...{ now: () => terminal.clock.now(), told: progressOf(terminal, 'sealed') },
      })
      terminal.progress?.('')
      terminal.out(options.json === true ? JSON.stringify(statement) : statement.name)
      terminal.err(`${megabytes(statement.plain.bytes)}, signed with the key ${statement.key}.`)
    } finally {
      end()
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Over a socket of this machine, or where the configuration says that PostgreSQL is. */
async function baseAddress(options: WalBaseOptions, terminal: Terminal): Promise<PostgresAddress> {
  const { environment } = terminal
  const role = { username: options.role, password: ownersPassword(options) }
  const { socket, port = '5432' } = options
  if (socket === undefined) {
    const { config } = openConfig(options, terminal)
    if (config.store.kind !== 'postgres')
      throw new CommandError(EXIT.usage, 'The store is no PostgreSQL; name the folder of a socket with --socket.')
    return addressAs({ config, environment, prover: proverOf(config, terminal) }, role)
  }
  if (!/^\d{1,5}$/.test(port)) throw new CommandError(EXIT.usage, `${port} is no port.`)
  const { readSecret } = await import('../config/secret-source.ts')
  return {
    ...{ url: new URL(`postgresql://localhost:${port}/postgres`), socket: resolve(socket), username: options.role },
    ...{ timeoutMs: 10_000, ...(role.password && { password: readSecret(role.password, environment).reveal() }) },
  }
}

export type WalReadingOptions = ArchiveOption & Pick<ReadingOptions, 'identity'> & { readonly key: readonly string[] }

const keysIn = (files: readonly string[]): ReadonlyMap<string, KeyObject> => new Map(files.map(readCheckpointPublicKey))

async function openerFor(options: WalReadingOptions) {
  const open = await openFor(options)
  if (open === undefined) throw new CommandError(EXIT.usage, 'Name what opens the archive: --identity FILE.')
  return open
}

/** `restore_command`. Rejects with BackupError: what is not there has the exit status that says so, and nothing is left at `out`. */
export async function backupWalFetch(
  name: string,
  out: string,
  options: WalReadingOptions,
  _terminal: Terminal,
): Promise<void> {
  const draft = `${out}.portcullis-draft`
  try {
    const open = await openerFor(options)
    const fetch = { folder: resolve(options.archive), name, keys: keysIn(options.key), open }
    await fetchWal(fetch, (plain) => writeFile(draft, plain, { mode: 0o600, flush: true }))
    await rename(draft, out)
  } finally {
    await rm(draft, { force: true })
  }
}

export interface WalRestoreOptions extends WalReadingOptions {
  readonly data: string
  readonly to: string
  readonly programs?: string
}

/** Makes a data directory that PostgreSQL brings to that instant at its start. Rejects with BackupError and StoreError. */
export async function backupWalRestore(options: WalRestoreOptions, terminal: Terminal): Promise<void> {
  const { aimRecovery, mustBeEmpty, unpackBase, verifyBase } = await import('../stores/postgres/base-copy.ts')
  const [folder, data, keys] = [resolve(options.archive), resolve(options.data), keysIn(options.key)]
  const until = parseInstant(options.to, terminal.clock.now())
  // Before all else: whatever fails later is removed again.
  mustBeEmpty(data)
  const base = newestBase(folder, until, keys)
  if (base === undefined)
    throw new CommandError(EXIT.absent, 'The archive holds no whole copy that was complete by then; see wal-base.')
  const fetch = { folder, name: base.name, keys, open: await openerFor(options), told: progressOf(terminal, 'opened') }
  try {
    await fetchWal(fetch, (plain) => unpackBase(plain, data))
    const version = Number(readFileSync(join(data, 'PG_VERSION'), 'utf8'))
    const isVerified = await verifyBase(data, version, options.programs)
    aimRecovery(data, { restoreCommand: fetchCommand(options), until })
    terminal.progress?.('')
    const says = { base: base.name, data, until: new Date(until).toISOString(), version, isVerified }
    terminal.out(options.json === true ? JSON.stringify(says) : data)
    for (const line of nextSteps(says)) terminal.err(line)
  } catch (thrown) {
    rmSync(data, { recursive: true, force: true })
    throw thrown
  }
}

function nextSteps(says: { base: string; data: string; until: string; version: number; isVerified: boolean }) {
  return [
    `${says.base} is in ${says.data}${says.isVerified ? ', each file as it was copied' : ''}. Nothing was started.`,
    `Start it as its account: pg_ctl -D ${says.data} start   (PostgreSQL ${says.version}); it recovers to ${says.until} and then serves.`,
    'It archives nothing until archive_mode is taken out of its postgresql.auto.conf; then make a new wal-base.',
    'Revocations made since are gone: before a gateway starts, distrust what was issued before, and revoke again.',
  ]
}

/** This program, as PostgreSQL has to call it: absolute, each word in quotes. */
function fetchCommand({ archive, identity = [], key }: WalRestoreOptions): string {
  const program = [process.execPath, ...process.execArgv, resolve(process.argv[1] ?? '')]
  const named = (option: string, files: readonly string[]) => files.flatMap((file) => [option, resolve(file)])
  const words = [...program, 'backup', 'wal-fetch']
  const options = [...named('--archive', [archive]), ...named('--identity', identity), ...named('--key', key)]
  const quoted = (word: string) => `"${word.replaceAll(/["$\\`]/g, String.raw`\$&`).replaceAll('%', '%%')}"`
  return [...words.map(quoted), '%f', '"%p"', ...options.map(quoted)].join(' ')
}
