/** Decides whether a copy of the shared store can be put back, without a server: what is in it, and whether it reads to its end. */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { StoreError } from '../store-error.ts'
import type { DumpFacts } from './dump.ts'
import { findPrograms, type PostgresPrograms, runProgram } from './programs.ts'

const HEAD = 'PGDMP'
/** What makes up our schema. Rules and rights are not taken from a copy: they are made anew for the roles that are there. */
const KINDS: ReadonlySet<string> = new Set([
  ...['SCHEMA', 'DOMAIN', 'TABLE', 'TABLE DATA', 'SEQUENCE', 'SEQUENCE SET', 'DEFAULT', 'CONSTRAINT', 'FK CONSTRAINT'],
  ...['INDEX', 'CHECK CONSTRAINT'],
])
/** A table that a store of each version has. */
const TABLES: readonly string[] = [
  ...[
    'api_key',
    'revocation',
    'block',
    'used_once',
    'grant_entry',
    'account',
    'oauth_client',
    'passkey',
    'account_link',
  ],
  ...['upstream_credential', 'data_key', 'schema_version'],
]

export interface DumpPrograms extends DumpFacts {
  readonly folder?: string | undefined
}

/**
 * Reads the copy to its end where `pg_restore` is here; without it only its head. True when it was read whole. Rejects with
 * StoreError for what is no whole copy.
 */
export async function mustBeSoundDump(file: string, { folder, server }: DumpPrograms): Promise<boolean> {
  mustBegin(file)
  let programs: PostgresPrograms
  try {
    programs = await findPrograms(['pg_restore'], server, folder)
  } catch {
    return false
  }
  await scriptOf(file, programs, '/dev/null')
  return true
}

function mustBegin(file: string): void {
  const head = Buffer.alloc(HEAD.length)
  const descriptor = openSync(file, 'r')
  try {
    readSync(descriptor, head, 0, HEAD.length, 0)
  } finally {
    closeSync(descriptor)
  }
  if (head.toString('latin1') !== HEAD)
    throw new StoreError('not_a_store', 'The copy of the database is none of pg_dump.')
}

/** Writes the SQL that makes the schema and its rows. Rejects with StoreError. */
export async function scriptOf(file: string, programs: PostgresPrograms, to: string): Promise<void> {
  const folder = dirname(file)
  const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', HOME: folder }
  const ask = (...args: readonly string[]) =>
    runProgram({ programs, name: 'pg_restore', args, environment, cwd: folder })
  const entries = (await ask('--list', file)).split('\n').filter((line) => /^\d+;/.test(line))
  const missing = TABLES.find((table) => !entries.some((line) => line.includes(` TABLE DATA portcullis ${table} `)))
  if (missing !== undefined) throw new StoreError('not_a_store', `The copy of the database has no rows of ${missing}.`)
  const list = join(folder, 'entries.list')
  writeFileSync(list, `${entries.filter((line) => KINDS.has(kindOf(line))).join('\n')}\n`, { mode: 0o600 })
  await ask('--no-owner', '--no-privileges', '--use-list', list, '--file', to, file)
}

/** Of a line such as `221; 1259 16392 TABLE DATA portcullis api_key owner`. */
const kindOf = (line: string): string => /^\d+; \d+ \d+ ([A-Z ]+?) (?:-|portcullis) /.exec(line)?.[1] ?? ''
