/** `portcullis backup verify BACKUP`: what can be said without a secret, and with one whether a gateway could be put back from it. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { mustBeComplete, type OpenedBackup, openSeries } from '../data-protection/backup/open-backup.ts'
import { keysFor, openFor, progressOf, type ReadingOptions } from './backup-files.ts'
import { configIsNamedOrThere, openConfig } from './open-config.ts'
import { minute } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'

export interface BackupVerifyOptions extends ReadingOptions {
  readonly scratch?: string
}

/** Rejects with BackupError for a backup that is not what it should be; see `failure.ts` for the exit statuses. */
export async function backupVerify(folder: string, options: BackupVerifyOptions, terminal: Terminal): Promise<void> {
  const place = resolve(folder)
  const config = configIsNamedOrThere(options, terminal) ? openConfig(options, terminal).config : undefined
  const keys = keysFor(place, options, config)
  const series = openSeries(
    place,
    keys,
    options.in?.map((one) => resolve(one)),
  )
  const open = await openFor(options)
  if (open === undefined) {
    for (const backup of series) await mustBeComplete(backup)
    tell(series, { opened: false }, options, terminal)
    return
  }
  const { unpackSound } = await import('../gateway/check-backup.ts')
  const scratch = scratchIn(options.scratch)
  try {
    const told = progressOf(terminal, 'opened')
    const roots = {
      state: join(scratch, 'state'),
      audit: join(scratch, 'audit'),
      home: join(scratch, 'home'),
      elsewhere: join(scratch, 'elsewhere'),
    }
    const { contents, records, database } = await unpackSound({ series, open, keys, told }, roots)
    terminal.progress?.('')
    const { chains, files, hasStore } = contents
    tell(
      series,
      {
        opened: true,
        store: hasStore,
        chains: chains.length,
        records,
        files: files.length,
        ...(database && { database }),
      },
      options,
      terminal,
    )
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** For this user alone: what is unpacked there is as open as the state folder. */
export function scratchIn(folder: string | undefined): string {
  if (folder !== undefined && !existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 })
  return mkdtempSync(join(folder ?? tmpdir(), 'portcullis-scratch-'))
}

interface Found {
  readonly opened: boolean
  readonly store?: boolean
  readonly chains?: number
  readonly records?: number
  readonly files?: number
  readonly database?: 'whole' | 'not read'
}

function tell(series: readonly OpenedBackup[], found: Found, { json }: ReadingOptions, terminal: Terminal): void {
  const { manifest } = series.at(-1) as OpenedBackup
  const { id, madeAt, program, key, privateKeys } = manifest
  const continues = series.slice(0, -1).map((one) => one.manifest.id)
  if (json === true)
    return terminal.out(JSON.stringify({ sound: true, id, madeAt, program, key, privateKeys, continues, ...found }))
  const chain = continues.length === 0 ? '' : `, with ${continues.length} that it continues`
  terminal.out(`${id}: sound, of ${minute(madeAt)} by ${printable(program)}${chain}, signed with the key ${key}`)
  if (found.opened)
    terminal.out(
      `opened: ${storeOf(found)}, ${found.chains} chains with ${found.records} records verify, ${found.files} files`,
    )
  else terminal.err('Nothing in it was opened. Name an identity with --identity to examine the store and the chains.')
}

function storeOf({ store, database }: Found): string {
  if (database === 'whole') return 'the copy of PostgreSQL reads to its end'
  if (database !== undefined) return 'the copy of PostgreSQL was not read, because pg_restore is not here'
  return store === true ? 'the store is whole' : 'no store'
}
