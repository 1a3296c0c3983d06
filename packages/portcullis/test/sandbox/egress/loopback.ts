// How tests of the egress get a sandbox without one: programs and hosts on loopback, names and addresses as told.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { EgressAccess, NetworkAccess, NetworkRule } from '../../../src/sandbox/access.ts'
import { Egress, type EgressOptions } from '../../../src/sandbox/egress/egress.ts'

export interface TestHost {
  readonly port: number
  /** Connections that were made to it. */
  readonly connections: () => number
  /** All bytes that it was sent. */
  readonly received: () => string
  readonly close: () => void
}

/** A host that counts its connections and keeps what it is sent. */
export async function startHost(onConnection: (socket: Socket) => void = () => {}): Promise<TestHost> {
  const sockets = new Set<Socket>()
  const chunks: Buffer[] = []
  let connections = 0
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections++
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
    socket.on('data', (chunk) => chunks.push(chunk))
    onConnection(socket)
  })
  const port = await listen(server)
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { port, connections: () => connections, received: () => Buffer.concat(chunks).toString('latin1'), close }
}

export interface TestSandbox {
  readonly egress: Egress
  readonly proxyPort: number
  readonly accesses: readonly EgressAccess[]
  /** `address:port` of each connection that was begun. */
  readonly dials: readonly string[]
  /** Names that were resolved. */
  readonly resolved: readonly string[]
  /** A connection from inside to a stand-in. */
  readonly toStandIn: (address: string, port: number) => Promise<Socket>
  readonly close: () => void
}

export interface SandboxSettings extends Partial<Omit<NetworkAccess, 'allow'>> {
  readonly allow: readonly NetworkRule[]
  /** Addresses of a name; default: 127.0.0.1 for every name. */
  readonly resolve?: (host: string) => readonly string[] | Promise<readonly string[]>
  /** Where every connection really goes; default: where it was meant to. */
  readonly dialPort?: number
  readonly trust?: readonly string[]
  readonly clock?: NonNullable<EgressOptions['clock']>
}

export async function startSandbox(settings: SandboxSettings): Promise<TestSandbox> {
  const { allow, resolve = () => ['127.0.0.1'], dialPort, trust, clock, ...access } = settings
  const accesses: EgressAccess[] = []
  const dials: string[] = []
  const resolved: string[] = []
  const egress = new Egress(
    {
      ...{ mode: 'transparent', maxBytes: 1e9, maxConnections: 64, connectTimeoutMs: 5_000, idleTimeoutMs: 5_000 },
      ...access,
      allow,
    },
    {
      onAccess: (one) => accesses.push(one),
      resolve: async (host) => {
        resolved.push(host)
        return resolve(host)
      },
      hostAddresses: () => [],
      dial: (address, port) => {
        dials.push(`${address}:${port}`)
        const to = dialPort === undefined ? { host: address, port } : { host: '127.0.0.1', port: dialPort }
        return connect({ ...to, allowHalfOpen: true })
      },
      ...(trust !== undefined && { trust }),
      ...(clock !== undefined && { clock }),
    },
  )
  const proxy = createServer()
  const proxyPort = await listen(proxy)
  egress.serveProxy(proxy)
  const transparent = await standInServer(egress)
  const close = () => {
    egress.close()
    transparent.close()
  }
  return { egress, proxyPort, accesses, dials, resolved, toStandIn: transparent.connect, close }
}

/** No address of loopback is a stand-in, so sockets are given the address that they would have inside. */
async function standInServer(egress: Egress) {
  const inside = createServer()
  egress.serveTransparent(inside)
  const destinations: { readonly address: string; readonly port: number }[] = []
  const server = createServer((socket) => {
    const { address, port } = destinations.shift()!
    Object.defineProperties(socket, { localAddress: { value: address }, localPort: { value: port } })
    inside.emit('connection', socket)
  })
  const serverPort = await listen(server)
  const toStandIn = async (address: string, port: number) => {
    destinations.push({ address, port })
    return open(serverPort)
  }
  return { connect: toStandIn, close: () => server.close() }
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

export async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Everything that comes back until the other side closes, after `bytes` were sent. */
export async function exchange(port: number, bytes: Buffer | string): Promise<string> {
  const socket = await open(port)
  return talk(socket, bytes)
}

export async function talk(socket: Socket, bytes: Buffer | string): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  await closed(socket)
  return Buffer.concat(chunks).toString('latin1')
}

/** Resolves with what came so far once it holds `wanted`. */
export async function until(socket: Socket, wanted: string): Promise<string> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += (chunk as Buffer).toString('latin1')
    if (text.includes(wanted)) return text
  }
  throw new Error(`closed before ${JSON.stringify(wanted)}: ${text}`)
}

/** Closes after the other side has. Not `once`, which would throw for an error before. */
export async function closed(socket: Socket): Promise<void> {
  socket.on('end', () => socket.end())
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve))
}

/** Waits until `condition` holds; tests are ended from outside when it never does. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** A greeting and a request of SOCKS5 in one piece. */
export function socksRequest(host: string | Buffer, port = 443, command = 1): Buffer {
  const name = typeof host === 'string' ? Buffer.from(host, 'latin1') : host
  const head = [5, 1, 0, 5, command, 0, 3, name.length]
  return Buffer.concat([Buffer.from(head), name, Buffer.from([port >> 8, port & 255])])
}
