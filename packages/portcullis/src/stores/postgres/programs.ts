/** Decides which of PostgreSQL's own programs are run, and how they learn where the server is: never by their arguments. */
import { chmodSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { rootCertificates } from 'node:tls'
import { askTool, findTool, signalGroup, startChild } from '../../sandbox/child.ts'
import { DescriptorTable } from '../../sandbox/descriptors.ts'
import type { HostIdentity } from '../../sandbox/driver.ts'
import { StoreError } from '../store-error.ts'
import type { PostgresAddress } from './connection.ts'

export interface PostgresPrograms {
  readonly folder: string
  /** Their version, such as 17. */
  readonly major: number
}

/** Where distributions put the programs of each version, apart from the one on the search path. */
const FOLDERS: readonly (readonly [root: string, name: RegExp, below: string])[] = [
  ['/usr/lib/postgresql', /^\d+$/, 'bin'],
  ['/usr', /^pgsql-\d+$/, 'bin'],
  ['/usr/local/opt', /^postgresql@\d+$/, 'bin'],
  ['/opt/homebrew/opt', /^postgresql@\d+$/, 'bin'],
]

/**
 * The programs that suit a server of the version `least`: of the same version, else of the next newer one that is here; of a
 * server of which nothing is known (0), the newest. All of `names` are there. Rejects with StoreError.
 */
export async function findPrograms(names: readonly string[], least: number, named?: string): Promise<PostgresPrograms> {
  const [first = ''] = names
  const onPath = findTool(first)
  const folders = named === undefined ? [...versioned(), ...(onPath ? [dirname(onPath)] : [])] : [named]
  const found = await Promise.all(folders.map((folder) => look(folder, names)))
  const fit = found
    .filter((one): one is PostgresPrograms => one !== undefined && one.major >= least)
    .toSorted((a, b) => a.major - b.major)
  const best = least === 0 ? fit.at(-1) : fit[0]
  if (best !== undefined) return best
  const mend = 'install the client programs of that version, or name their folder in backup.postgres.programs'
  const version = least > 0 ? ` of version ${least} or later` : ''
  throw new StoreError('no_program', `${names.join(', ')}${version} was not found; ${mend}.`)
}

function versioned(): readonly string[] {
  return FOLDERS.flatMap(([root, name, below]) => {
    try {
      return readdirSync(root)
        .filter((one) => name.test(one))
        .map((one) => join(root, one, below))
    } catch {
      return []
    }
  })
}

async function look(folder: string, names: readonly string[]): Promise<PostgresPrograms | undefined> {
  try {
    const says = await Promise.all(
      names.map((name) => askTool(join(folder, name), ['--version'], { environment: PLAIN })),
    )
    const majors = says.map((one) => Number(/\) (\d+)/.exec(one)?.[1]))
    return majors.every((major) => major === majors[0] && major > 0)
      ? { folder, major: majors[0] as number }
      : undefined
  } catch {
    return undefined
  }
}

const PLAIN = { PATH: '/usr/bin:/bin', LC_ALL: 'C' }

/**
 * What tells libpq where a server is, as whom, and by which authority it is proved. `scratch` is a folder of ours alone, in
 * which the password and the authorities lie meanwhile; nothing is taken from the environment of this process.
 */
export function clientEnvironment(
  { url, socket, username, password, tls, timeoutMs }: PostgresAddress,
  scratch: string,
): Readonly<Record<string, string>> {
  const put = (name: string, content: string) => {
    const file = join(scratch, name)
    writeFileSync(file, content, { mode: 0o600 })
    chmodSync(file, 0o600)
    return file
  }
  const nowhere = join(scratch, 'none')
  const isProved = tls !== undefined && socket === undefined
  return {
    ...PLAIN,
    ...{ HOME: scratch, PGSYSCONFDIR: scratch, PGSERVICEFILE: nowhere, PGAPPNAME: 'portcullis backup' },
    ...{ PGHOST: socket ?? url.hostname.replace(/^\[|\]$/g, ''), PGPORT: url.port || '5432' },
    ...{ PGDATABASE: decodeURIComponent(url.pathname.slice(1)), PGUSER: username, PGCLIENTENCODING: 'UTF8' },
    PGPASSFILE:
      password === undefined
        ? nowhere
        : put('passwords', `*:*:*:*:${password.replaceAll(/[\\:]/g, String.raw`\$&`)}\n`),
    ...{ PGGSSENCMODE: 'disable', PGSSLCERT: nowhere, PGSSLKEY: nowhere, PGSSLCRL: nowhere, PGSSLCRLDIR: nowhere },
    ...{ PGSSLMODE: isProved ? 'verify-full' : 'disable', PGSSLMINPROTOCOLVERSION: 'TLSv1.3' },
    PGSSLROOTCERT: isProved ? put('authorities.pem', tls.ca ?? rootCertificates.join('\n')) : nowhere,
    PGCONNECT_TIMEOUT: String(Math.max(2, Math.ceil(timeoutMs / 1_000))),
  }
}

export interface ProgramRun {
  readonly programs: PostgresPrograms
  readonly name: string
  /** No secret: others see them. */
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly cwd: string
  readonly runAs?: HostIdentity | undefined
}

/** What it prints. Rejects with StoreError when it ends badly, with the last that it said. */
export async function runProgram(run: ProgramRun): Promise<string> {
  const { name } = run
  const child = await startProgram(run)
  // Nothing that outlives us goes on with a database.
  const end = () => signalGroup(child.pid, 'SIGTERM')
  process.once('exit', end)
  try {
    child.stdin.end()
    const ended = new Promise<number | null>((resolve) => child.process.once('close', (status) => resolve(status)))
    const [out, err, status] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    if (status === 0) return out
    throw new StoreError('program_failed', `${name} ended with ${status ?? 'a signal'}: ${lastOf(err)}`)
  } finally {
    process.off('exit', end)
  }
}

/** One whose streams the caller reads. Rejects with `sandbox.start_failed`. */
export const startProgram = ({ programs, name, args, environment, cwd, runAs }: ProgramRun) =>
  startChild([join(programs.folder, name), ...args], { environment, cwd, runAs, table: new DescriptorTable() })

/** The end of what a program has said, on one line. */
export const lastOf = (said: string): string =>
  said
    .trim()
    .split('\n')
    .slice(-4)
    .join(' / ')
    .replaceAll(/\p{Cc}/gu, ' ')
    .slice(-600) || 'it said nothing'
