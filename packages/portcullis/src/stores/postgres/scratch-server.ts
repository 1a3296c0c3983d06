/** Decides where a copy is tried: in a PostgreSQL of its own that only we reach, over a socket, and that is gone afterwards. */
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { signalGroup } from '../../sandbox/child.ts'
import type { HostIdentity } from '../../sandbox/driver.ts'
import { StoreError } from '../store-error.ts'
import { connection, type PostgresAddress } from './connection.ts'
import { findPrograms, lastOf, runProgram, startProgram } from './programs.ts'

export interface ScratchServer {
  /** Folder of its socket. */
  readonly socket: string
  readonly url: string
  readonly owner: string
  readonly grantee: string
  address(username: string): PostgresAddress
  close(): Promise<void>
}

export interface ScratchParts {
  /** What the folder of the server is called after, beside which it lies; for root it lies in the temporary folder of the system. */
  readonly beside: string
  /** Version of PostgreSQL. */
  readonly server: number
  readonly programs?: string | undefined
}

const OWNER = 'portcullis_owner'
const GRANTEE = 'portcullis_gateway'
const SUPERUSER = 'portcullis_drill'
const URL_OF_IT = 'postgresql://localhost/portcullis'
const START_MS = 30_000
const LONGEST_SOCKET = 90

/** Starts one with an empty database. Rejects with StoreError where its programs are not here; then nothing is left. */
export async function startScratchServer({ beside, server, programs: named }: ScratchParts): Promise<ScratchServer> {
  const programs = await findPrograms(['initdb', 'postgres', 'pg_restore', 'psql'], server, named)
  // The server refuses to run as root, and another account reaches no folder within one of root's own.
  const runAs = process.getuid?.() === 0 ? servant() : undefined
  const folder = mkdtempSync(runAs ? join(tmpdir(), 'portcullis-scratch-pg-') : `${beside}-pg-`)
  const end = () => rmSync(folder, { recursive: true, force: true })
  try {
    if (folder.length > LONGEST_SOCKET)
      throw new StoreError('program_failed', `${folder} is too long for a socket; name a shorter one with --scratch.`)
    if (runAs) chownSync(folder, runAs.uid, runAs.gid)
    const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', HOME: folder }
    const data = join(folder, 'data')
    const common = { programs, environment, cwd: folder, runAs }
    const initial = ['-D', data, '-U', SUPERUSER, '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C']
    await runProgram({ ...common, name: 'initdb', args: initial })
    const child = await startProgram({ ...common, name: 'postgres', args: ['-D', data, ...settings(folder)] })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4_096)))
    child.stdout.resume()
    const ended = new Promise<void>((resolve) => child.process.once('close', () => resolve()))
    const kill = () => signalGroup(child.pid, 'SIGKILL')
    process.once('exit', kill)
    const address = (username: string): PostgresAddress => ({
      ...{ url: new URL(URL_OF_IT), socket: folder, username, timeoutMs: START_MS },
    })
    const close = async () => {
      process.off('exit', kill)
      kill()
      await ended
      end()
    }
    try {
      await prepare(address(SUPERUSER), () => child.process.exitCode !== null)
    } catch (thrown) {
      await close()
      throw new StoreError('program_failed', `A PostgreSQL to try the copy in does not start: ${lastOf(said)}`, thrown)
    }
    return { ...{ socket: folder, url: URL_OF_IT, owner: OWNER, grantee: GRANTEE }, address, close }
  } catch (thrown) {
    end()
    throw thrown
  }
}

/** No port, and nothing that has to last. */
const settings = (folder: string): readonly string[] =>
  Object.entries({
    ...{ listen_addresses: '', unix_socket_directories: folder, unix_socket_permissions: '0700', fsync: 'off' },
    ...{ shared_buffers: '32MB', max_wal_senders: '0', wal_level: 'minimal', max_connections: '40' },
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`])

async function prepare(address: PostgresAddress, isOver: () => boolean): Promise<void> {
  const { Client } = (await import('pg')).default
  const postgres = { ...address, url: new URL('/postgres', address.url) }
  const until = performance.now() + START_MS
  for (;;) {
    const client = new Client(connection(postgres))
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('create role portcullis_owner login')
      await client.query('create role portcullis_gateway login')
      await client.query('create database portcullis owner portcullis_owner')
      return
    } catch (thrown) {
      if (isOver() || performance.now() > until || isAnswer(thrown)) throw thrown
    } finally {
      await client.end().catch(() => {})
    }
    await pause(50)
  }
}

/** It answers, and only says that it starts (57P03), or it does not answer yet. */
const isAnswer = (thrown: unknown): boolean =>
  thrown instanceof Error && 'severity' in thrown && (thrown as { code?: string }).code !== '57P03'

/** The account of PostgreSQL where there is one, else that of nobody. */
function servant(): HostIdentity {
  const accounts = readFileSync('/etc/passwd', 'utf8')
  const of = (name: string) => new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(accounts)
  const [, uid = '65534', gid = '65534'] = of('postgres') ?? of('nobody') ?? []
  return { uid: Number(uid), gid: Number(gid) }
}
