/** Decides how a whole PostgreSQL is copied and unpacked: by its own `pg_basebackup` as one stream, so that nothing of it lies anywhere in the clear. */
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync, appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { findTool, signalGroup, startChild } from '../../sandbox/child.ts'
import { DescriptorTable } from '../../sandbox/descriptors.ts'
import { StoreError } from '../store-error.ts'
import type { PostgresAddress } from './connection.ts'
import { clientEnvironment, findPrograms, lastOf, runProgram, startProgram } from './programs.ts'

export interface BaseCopy {
  /** A tar of the whole data directory. */
  readonly plain: AsyncIterable<Uint8Array>
  /** Rejects with StoreError unless it came to its end. */
  readonly mustBeAll: () => Promise<void>
  /** Ends it, whatever it is at. */
  readonly end: () => void
}

export interface BaseCopyParts {
  /** As a role that may replicate. */
  readonly address: PostgresAddress
  /** A folder of ours alone. */
  readonly scratch: string
  /** Version of PostgreSQL. */
  readonly server: number
  readonly programs?: string | undefined
}

/** Starts it. Rejects with StoreError when the program is not here. */
export async function baseCopy({ address, scratch, server, programs: named }: BaseCopyParts): Promise<BaseCopy> {
  const programs = await findPrograms(['pg_basebackup'], server, named)
  const { PGDATABASE: _none, ...environment } = clientEnvironment(address, scratch)
  // The log comes from the archive, which waits until all of it is there.
  const args = ['--pgdata=-', '--format=tar', '--wal-method=none', '--checkpoint=fast', '--no-password']
  const child = await startProgram({ programs, name: 'pg_basebackup', args, environment, cwd: scratch })
  child.stdin.end()
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4_096)))
  const ended = new Promise<number | null>((resolve) => child.process.once('close', resolve))
  return {
    plain: child.stdout,
    async mustBeAll() {
      const status = await ended
      if (status !== 0)
        throw new StoreError('program_failed', `pg_basebackup ended with ${status ?? 'a signal'}: ${lastOf(said)}`)
    },
    end: () => signalGroup(child.pid, 'SIGTERM'),
  }
}

/** Throws StoreError for a folder in which something is: it may be the data of a server that is to be saved. */
export function mustBeEmpty(data: string): void {
  if (existsSync(data) && readdirSync(data).length > 0)
    throw new StoreError('unwritable', `${data} is not empty; name another folder.`)
}

/** Unpacks the tar into a new data directory of mode 0700. Rejects with StoreError. */
export async function unpackBase(plain: AsyncIterable<Uint8Array>, data: string): Promise<void> {
  const tar = findTool('tar')
  if (tar === undefined) throw new StoreError('no_program', 'tar was not found.')
  mustBeEmpty(data)
  mkdirSync(data, { recursive: true, mode: 0o700 })
  chmodSync(data, 0o700)
  const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C' }
  const table = new DescriptorTable()
  const child = await startChild([tar, '-x', '-p', '-f', '-', '-C', data], { environment, cwd: data, table })
  child.stdout.resume()
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4_096)))
  const ended = new Promise<number | null>((resolve) => child.process.once('close', resolve))
  try {
    await pipeline(Readable.from(plain), child.stdin)
  } catch (thrown) {
    signalGroup(child.pid, 'SIGTERM')
    await ended
    throw said === '' ? thrown : new StoreError('program_failed', `tar: ${lastOf(said)}`, thrown)
  }
  if ((await ended) !== 0) throw new StoreError('program_failed', `tar: ${lastOf(said)}`)
}

/** By the list that `pg_basebackup` has put into it. False where the program is not here. Rejects with StoreError. */
export async function verifyBase(data: string, server: number, named?: string): Promise<boolean> {
  const programs = await findPrograms(['pg_verifybackup'], server, named).catch(() => undefined)
  if (programs === undefined) return false
  const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C' }
  await runProgram({ programs, name: 'pg_verifybackup', args: ['--no-parse-wal', data], environment, cwd: data })
  return true
}

export interface RecoveryTarget {
  /** A command of PostgreSQL's, with `%f` and `%p` in it. */
  readonly restoreCommand: string
  /** Milliseconds since the epoch. */
  readonly until: number
}

/**
 * What PostgreSQL does at its next start: it fetches the log up to that instant, and serves from there. It archives nothing
 * until it is told to: a copy on trial must not go on with the log of the real one.
 */
export function aimRecovery(data: string, { restoreCommand, until }: RecoveryTarget): void {
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`
  const settings = {
    restore_command: quoted(restoreCommand),
    recovery_target_time: quoted(new Date(until).toISOString().replace('T', ' ').replace('Z', '+00')),
    recovery_target_action: quoted('promote'),
    archive_mode: quoted('off'),
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`)
  appendFileSync(join(data, 'postgresql.auto.conf'), `\n${lines.join('')}`, { mode: 0o600, flush: true })
  writeFileSync(join(data, 'recovery.signal'), '', { mode: 0o600, flush: true })
}
