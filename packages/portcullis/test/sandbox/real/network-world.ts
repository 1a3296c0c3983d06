/** Servers of the host for the tests of networks, each of which counts what reaches it, and clients inside a sandbox. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, readFileSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import type { EgressAccess, NetworkAccess, NetworkRule, Usage } from '../../../src/sandbox/access.ts'
import { ATTACK_LIMITS } from '../../../src/sandbox/attacks.ts'
import { type BubblewrapOptions, createBubblewrapDriver } from '../../../src/sandbox/bubblewrap.ts'
import type { LaunchSpec } from '../../../src/sandbox/driver.ts'
import { createTestIdentity } from '../../fixtures/certificate.ts'
import { NODE_MODULES, type Outcome, outcomeOf, specOf } from './fixture.ts'

export interface Target {
  readonly port: number
  /** Each is a wall that leaked, unless it was allowed. */
  connections: number
  /** Of HTTP. */
  requests: number
  /** Open at the same time, at most. */
  mostOpen: number
}

export interface NetworkWorld {
  readonly https: Target
  readonly http: Target
  /** No rule allows its port. */
  readonly secret: Target
  /** Takes datagrams; counts each. */
  readonly datagrams: Target
  readonly caFile: string
  /** Names that the gateway was asked to resolve. */
  readonly resolved: string[]
  /** A driver that resolves names as `ADDRESSES` says. */
  readonly driver: ReturnType<typeof createBubblewrapDriver>
  createDriver(options: BubblewrapOptions): ReturnType<typeof createBubblewrapDriver>
  readonly rules: readonly NetworkRule[]
  /** How often each server was reached, to be compared before and after. */
  arrivals(): readonly number[]
  close(): void
}

/** What the names of the tests resolve to. None of them exists (RFC 2606). */
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  'open.test': ['127.0.0.1'],
  'a.wild.test': ['127.0.0.1'],
  'other.test': ['127.0.0.1'],
  'rebinding.test': ['127.0.0.1'],
  'mixed.test': ['192.0.2.1', '127.0.0.1'],
  'metadata.test': ['169.254.169.254'],
  'mapped.test': ['::ffff:127.0.0.1'],
}

export async function buildNetworkWorld(
  answer: RequestListener = (_, response) => response.end('hello from the host\n'),
): Promise<NetworkWorld> {
  const identity = await createTestIdentity(['open.test', '*.wild.test', 'other.test'])
  chmodSync(dirname(identity.caFile), 0o755)
  const answerWhole: RequestListener = (request, response) =>
    request.resume().on('end', () => answer(request, response)) // not before the last byte of an upload
  const servers = [
    createHttpsServer({ key: identity.key, cert: identity.cert }, answerWhole),
    createHttpServer(answerWhole),
    createTcpServer((socket) => socket.on('error', () => {}).end('secret\n')),
  ]
  const [https, http, secret] = (await Promise.all(servers.map(watch))) as [Target, Target, Target]
  const udp = createSocket('udp4')
  udp.bind(0, '127.0.0.1')
  await once(udp, 'listening')
  const datagrams: Target = { port: udp.address().port, connections: 0, requests: 0, mostOpen: 0 }
  udp.on('message', () => datagrams.connections++)
  const resolved: string[] = []
  const resolve = async (host: string) => {
    resolved.push(host)
    return ADDRESSES[host] ?? []
  }
  const createDriver = (options: BubblewrapOptions) =>
    createBubblewrapDriver({
      searchPath: [`${NODE_MODULES}/.bin`, '/usr/bin', '/bin'],
      egress: { resolve, trust: [readFileSync(identity.caFile, 'utf8')] },
      ...options,
    })
  const ports = [https.port, http.port]
  return {
    https,
    http,
    secret,
    datagrams,
    caFile: identity.caFile,
    resolved,
    createDriver,
    driver: createDriver({}),
    rules: [
      { host: 'open.test', ports, privateAddresses: true },
      { host: '*.wild.test', ports, privateAddresses: true },
      { host: 'metadata.test', ports: [80], privateAddresses: true },
      { host: 'rebinding.test', ports },
      { host: 'mixed.test', ports },
      { host: 'mapped.test', ports, privateAddresses: true },
    ],
    arrivals: () => [https, http, secret, datagrams].map(({ connections }) => connections),
    close: () => {
      for (const server of servers) server.close()
      udp.close()
      identity.remove()
    },
  }
}

async function watch(server: Server): Promise<Target> {
  server.listen({ host: '127.0.0.1', port: 0, backlog: 512 })
  await once(server, 'listening')
  const target: Target = { port: portOf(server), connections: 0, requests: 0, mostOpen: 0 }
  server.on('request', () => target.requests++)
  let open = 0
  server.on('connection', (socket: Socket) => {
    target.connections++
    target.mostOpen = Math.max(target.mostOpen, ++open)
    socket.on('close', () => open--)
  })
  return target
}

const portOf = (server: Server) => (server.address() as { readonly port: number }).port

export interface NetworkRun extends Outcome {
  readonly accesses: readonly EgressAccess[]
  readonly usage: Usage
}

/** Runs a shell line with a network; what the egress reports is kept. */
export async function runWithNetwork(
  world: NetworkWorld,
  mode: NetworkAccess['mode'],
  line: string,
  changes: Partial<LaunchSpec> & { readonly access?: Partial<NetworkAccess> } = {},
): Promise<NetworkRun> {
  const { access, ...rest } = changes
  const accesses: EgressAccess[] = []
  const spec = specOf(line, {
    env: trusting(world),
    readOnly: [world.caFile],
    limits: { ...ATTACK_LIMITS, memoryBytes: 2 ** 30, lifeMs: 45_000 },
    network: { ...networkOf(world, mode), ...access },
    onAccess: (seen) => {
      if (seen.kind === 'egress') accesses.push(seen)
    },
    ...rest,
  })
  const confined = await world.driver.launch(spec)
  return { ...(await outcomeOf(confined)), accesses, usage: await confined.usage() }
}

export function networkOf({ rules }: NetworkWorld, mode: NetworkAccess['mode']): NetworkAccess {
  return { mode, allow: rules, maxBytes: 2 ** 24, maxConnections: 16, connectTimeoutMs: 1_000, idleTimeoutMs: 10_000 }
}

/** Ports, and the authority of the test's server for curl, Python, OpenSSL, Node and git. */
function trusting({ https, http, secret, datagrams, caFile }: NetworkWorld): Readonly<Record<string, string>> {
  return {
    HTTPS_PORT: `${https.port}`,
    HTTP_PORT: `${http.port}`,
    SECRET_PORT: `${secret.port}`,
    DATAGRAM_PORT: `${datagrams.port}`,
    SSL_CERT_FILE: caFile,
    NODE_EXTRA_CA_CERTS: caFile,
    GIT_SSL_CAINFO: caFile,
  }
}

/** The name servers of the host, which nothing inside may ask. */
export function hostResolvers(): readonly string[] {
  const text = readFileSync('/etc/resolv.conf', 'utf8')
  return [...text.matchAll(/^nameserver\s+(\d[\d.]*)/gm)].map(([, address = '']) => address)
}
