/** What the tests on a real kernel share: a driver, a small world to attack, and a way to collect what a process says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ATTACK_LIMITS } from '../../../src/sandbox/attacks.ts'
import { createBubblewrapDriver } from '../../../src/sandbox/bubblewrap.ts'
import type { ExitReport, HostIdentity, LaunchSpec, SandboxedProcess } from '../../../src/sandbox/driver.ts'
import { upstreamIdentity } from '../../../src/sandbox/identity.ts'

export const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url))
export const NODE_MODULES = join(ROOT, 'node_modules')
export const isRoot = process.getuid?.() === 0
export const runAs: HostIdentity | undefined = isRoot ? upstreamIdentity(7) : undefined
export const driver = createBubblewrapDriver({ searchPath: [join(NODE_MODULES, '.bin'), '/usr/bin', '/bin'] })

/** A launch of a shell line, but for what a test sets. */
export function specOf(line: string, changes: Partial<LaunchSpec> = {}): LaunchSpec {
  return {
    command: '/bin/sh',
    args: ['-c', line],
    env: {},
    readOnly: [],
    readWrite: [],
    limits: ATTACK_LIMITS,
    network: 'none',
    ...(runAs === undefined ? {} : { runAs }),
    ...changes,
  }
}

export interface Outcome extends ExitReport {
  readonly lines: readonly string[]
}

export async function outcomeOf(confined: SandboxedProcess): Promise<Outcome> {
  const lines: string[] = []
  confined.onLine((line) => lines.push(line.toString('utf8')))
  return { ...(await confined.exited), lines }
}

export const run = async (spec: LaunchSpec): Promise<Outcome> => outcomeOf(await driver.launch(spec))

export interface World {
  readonly directory: string
  readonly workspace: string
  readonly library: string
  readonly environment: Readonly<Record<string, string>>
  close(): void
}

/** A secret, a workspace that the upstream owns, a read-only library, a listener on loopback and a daemon's socket. */
export async function buildWorld(): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-world-'))
  const workspace = join(directory, 'workspace')
  const library = join(directory, 'library')
  const secret = join(directory, 'secret')
  for (const path of [workspace, library, secret]) mkdirSync(path)
  writeFileSync(join(library, 'book'), 'text\n')
  writeFileSync(join(secret, 'key'), 'PRIVATE KEY\n')
  chmodSync(directory, 0o755)
  if (runAs !== undefined) chownSync(workspace, runAs.uid, runAs.gid)
  const listener = await listen(
    createServer((socket) => socket.end('host')),
    { host: '127.0.0.1', port: 0 },
  )
  const daemon = await listen(
    createServer((socket) => socket.end('daemon')),
    { path: join(workspace, 'daemon.sock') },
  )
  chmodSync(join(workspace, 'daemon.sock'), 0o777)
  return {
    directory,
    workspace,
    library,
    environment: {
      SECRET_FILE: join(secret, 'key'),
      WORKSPACE: workspace,
      LIBRARY: library,
      GATEWAY_PID: `${process.pid}`,
      LOOPBACK_PORT: `${(listener.address() as { readonly port: number }).port}`,
    },
    close: () => {
      listener.close()
      daemon.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function listen(server: Server, where: object): Promise<Server> {
  server.on('connection', (socket) => socket.on('error', () => {})) // attackers do not wait for the answer
  server.listen(where)
  await once(server, 'listening')
  return server
}

/** The same command as a plain child of this process, with its whole environment and an open descriptor 3. */
export async function runOutside(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const child: ChildProcess = spawn(command, [...args], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'ignore', 'pipe'],
  })
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  await once(child, 'close')
  return output.split('\n').filter((line) => line !== '')
}

/** Process ids on this host whose command line contains `text`. */
export function processesWith(text: string): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && commandLineOf(pid).includes(text))
}

export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** Waits for a condition that must come; the test's own time limit ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5)
}
