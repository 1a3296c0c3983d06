/**
 * What attacks are aimed at: harmless things on the real host, made for the occasion and removed again.
 *
 * A wall that fails loses a file that says nothing, a process that waits, a listener that says a word.
 */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { findTool, startChild } from './child.ts'
import { DescriptorTable } from './descriptors.ts'
import type { HostIdentity } from './driver.ts'

export interface Decoys {
  /** Holds all of the following. */
  readonly folder: string
  /** To be shown read-write. */
  readonly workspace: string
  /** To be shown read-only. */
  readonly library: string
  /** What an attack finds in its environment; see `attacks.ts`. */
  readonly environment: Readonly<Record<string, string>>
  /** Removes what attacks have left in the workspace. */
  tidy(): void
  close(): Promise<void>
}

/** A word that the decoy process has in its command line. */
const MARK = 'portcullis-decoy'
const KEPT = ['daemon.sock', 'hostlink']

/** `runAs` is the account that attacks will have; it owns the workspace. Throws when the host has no `sh`. */
export async function layDecoys(runAs?: HostIdentity): Promise<Decoys> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-decoys-'))
  const ending: Array<() => Promise<void> | void> = [() => rmSync(folder, { recursive: true, force: true })]
  const close = async () => {
    for (const end of ending.splice(0).reverse()) await end()
  }
  try {
    const places = layFiles(folder, runAs)
    const abstractName = `${MARK}-${process.pid}-${folder.slice(-6)}`
    const loopback = await listen({ host: '127.0.0.1', port: 0 }, ending)
    await listen({ path: `\0${abstractName}` }, ending)
    await listen({ path: join(places.workspace, 'daemon.sock') }, ending)
    chmodSync(join(places.workspace, 'daemon.sock'), 0o777)
    const environment = {
      SECRET_FILE: join(folder, 'secret', 'key'),
      WORKSPACE: places.workspace,
      LIBRARY: places.library,
      VISIBLE: `:${places.workspace}:${places.library}`,
      GATEWAY_PID: `${await startWaiting(ending)}`,
      LOOPBACK_PORT: `${(loopback.address() as AddressInfo).port}`,
      HOST_ADDRESS: ownAddress(),
      ABSTRACT_NAME: abstractName,
    }
    return { folder, ...places, environment, tidy: () => tidy(places.workspace), close }
  } catch (problem) {
    await close()
    throw problem
  }
}

function layFiles(folder: string, runAs: HostIdentity | undefined) {
  const workspace = join(folder, 'workspace')
  const library = join(folder, 'library')
  const secret = join(folder, 'secret')
  for (const path of [workspace, library, secret]) mkdirSync(path)
  chmodSync(folder, 0o755)
  writeFileSync(join(library, 'book'), 'text\n')
  writeFileSync(join(secret, 'key'), 'PRIVATE decoy\n')
  symlinkSync(join(secret, 'key'), join(workspace, 'hostlink'))
  if (runAs !== undefined) chownSync(workspace, runAs.uid, runAs.gid)
  return { workspace, library }
}

function tidy(workspace: string): void {
  for (const name of readdirSync(workspace)) {
    if (!KEPT.includes(name)) rmSync(join(workspace, name), { recursive: true, force: true })
  }
}

async function listen(where: object, ending: Array<() => void>): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {}) // attackers do not wait for the answer
    socket.end('decoy')
  })
  server.listen(where)
  await once(server, 'listening')
  ending.push(() => void server.close())
  return server
}

/** A process that does nothing, and ends with its input, which is ours. */
async function startWaiting(ending: Array<() => void>): Promise<number> {
  const child = await startChild([findTool('sh') ?? '/bin/sh', '-c', `read line; : ${MARK}`], {
    environment: { PORTCULLIS_DECOY: 'a secret that says nothing' },
    cwd: '/',
    table: new DescriptorTable(),
  })
  ending.push(() => void child.process.kill('SIGKILL'))
  return child.pid
}

/** An address of this host that others may know; empty where it has none. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? ''
}
