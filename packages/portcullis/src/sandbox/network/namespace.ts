/** One network namespace with its listeners, held by nothing but descriptors of the gateway: it ends when they do. */
import type { ChildProcess, SendHandle } from 'node:child_process'
import { Socket } from 'node:dgram'
import { closeSync, openSync } from 'node:fs'
import { createServer, Server } from 'node:net'
import { Fault } from '../../core/fault.ts'
import { startMessenger } from '../child.ts'
import { type OpenerMessage, type OpenerTools, openerCommand } from './opener.ts'
import type { NetworkShape } from './shape.ts'

export interface NetworkNamespace {
  readonly shape: NetworkShape
  /** Paths through which nsenter(1) joins; `user` is undefined when the namespace belongs to the host's. */
  readonly paths: { readonly network: string; readonly user: string | undefined }
  readonly proxy: Server
  readonly transparent: readonly Server[]
  /** Queries for names, from port 53; undefined in explicit mode. */
  readonly names: Socket | undefined
  /** Closes listeners and descriptors. The kernel keeps the namespace while a process is in it. Idempotent. */
  close(): void
}

const OPEN_MS = 10_000
const END_MS = 1_000
const MAX_ERROR_BYTES = 2_048

/** Makes a namespace. Throws `sandbox.start_failed` with the words of whatever refused; nothing is left then. */
export async function makeNamespace(
  shape: NetworkShape,
  tools: OpenerTools,
  privileged: boolean,
): Promise<NetworkNamespace> {
  const handles: SendHandle[] = []
  const descriptors: number[] = []
  const close = () => {
    for (const descriptor of descriptors.splice(0)) closeSync(descriptor)
    for (const handle of handles.splice(0)) closeHandle(handle)
  }
  const child = startMessenger(openerCommand(shape, tools, privileged))
  try {
    const pid = await collect(child, handles)
    const join = (kind: 'net' | 'user') => {
      const descriptor = openSync(`/proc/${pid}/ns/${kind}`, 'r')
      descriptors.push(descriptor)
      // Not an inherited descriptor: bwrap would hand that on to the sandbox.
      return `/proc/${process.pid}/fd/${descriptor}`
    }
    const paths = { network: join('net'), user: privileged ? undefined : join('user') }
    return { shape, paths, ...sorted(handles), close }
  } catch (cause) {
    close()
    const reason = `the network of the sandbox was refused: ${(cause as Error).message}`
    throw new Fault('sandbox.start_failed', { reason }, { cause })
  } finally {
    end(child)
  }
}

/** Resolves with the process id of the opener when all is open. */
async function collect(child: ChildProcess, handles: SendHandle[]): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString('utf8')).slice(0, MAX_ERROR_BYTES)
  })
  child.on('message', (message, handle) => {
    const opened = message as OpenerMessage
    if (opened.opened === 'ready') resolve(opened.pid)
    else if (handle !== undefined) handles.push(handle)
  })
  child.on('error', reject)
  child.on('close', (code) => reject(new Error(errors.trim() || `it ended with status ${code}`)))
  const late = setTimeout(() => reject(new Error('nothing was opened in time')), OPEN_MS)
  return promise.finally(() => clearTimeout(late))
}

/** The opener ends with its input; whatever keeps it is killed. */
function end(child: ChildProcess): void {
  child.stdin?.on('error', () => {}).end() // it may have ended by itself
  if (child.connected) child.disconnect()
  const kill = setTimeout(() => child.kill('SIGKILL'), END_MS)
  child.on('exit', () => clearTimeout(kill))
  for (const timer of [kill, child]) timer.unref()
}

/** The order is that of the opener: the proxy first. An idle namespace does not keep the gateway from ending. */
function sorted(handles: SendHandle[]): Pick<NetworkNamespace, 'proxy' | 'transparent' | 'names'> {
  const [proxy, ...transparent] = handles.filter((handle) => handle instanceof Server).map(adopt)
  const names = handles.find((handle) => handle instanceof Socket)
  if (proxy === undefined) throw new Error('no listener came')
  handles.splice(0, handles.length, proxy, ...transparent, ...(names === undefined ? [] : [names]))
  for (const handle of [proxy, ...transparent, names]) handle?.unref()
  return { proxy, transparent, names }
}

/** A listener that came as a handle would end a connection when the client ends its half; programs rely on halves. */
function adopt(received: Server): Server {
  return createServer({ allowHalfOpen: true }).listen(received)
}

function closeHandle(handle: SendHandle): void {
  try {
    if (handle instanceof Server || handle instanceof Socket) handle.close()
  } catch {
    // It was closed before, as after a flood.
  }
}
