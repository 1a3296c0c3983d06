/**
 * The network of one sandbox, as far as it goes: which connections leave it, and what is told of them.
 *
 * An instance serves one sandbox only. It is given listeners inside of that sandbox's network, so a connection needs no
 * password to prove whose it is, and rules are never shared.
 */
import type { Server, Socket } from 'node:net'
import { type Clock, systemClock } from '../../core/clock.ts'
import type { NetworkAccess } from '../access.ts'
import { type Dial, dialDirect } from './dial.ts'
import { farewell, refusalStatus, refusalText } from './farewell.ts'
import { HttpFront } from './http-front.ts'
import { Meter } from './meter.ts'
import { Names } from './names.ts'
import { Patience } from './patience.ts'
import { peek } from './peek.ts'
import { Reach, type Resolve } from './reach.ts'
import { type Reason, reasonOf } from './refused.ts'
import { type OnEgress, type Protocol, Reporter } from './report.ts'
import { hostName, Rules } from './rules.ts'
import { type SocksAnswer, SocksFront } from './socks-front.ts'
import { SOCKS_VERSION } from './socks.ts'
import { StandIns } from './stand-ins.ts'
import { type Authority, readConnectTarget } from './target.ts'
import { TlsOpener } from './tls-opener.ts'
import { Tunnels } from './tunnels.ts'
import { WayOut } from './way-out.ts'

export interface EgressOptions {
  /** Hears of each connection once. Must not throw. */
  readonly onAccess: OnEgress
  readonly clock?: Clock
  /** Default: as the host resolves. */
  readonly resolve?: Resolve
  /** Addresses of this host, which count as private. Default: those of its interfaces. */
  readonly hostAddresses?: () => readonly string[]
  readonly dial?: Dial
  /** Authorities (PEM) that prove hosts behind opened TLS, instead of those that Node trusts. */
  readonly trust?: readonly string[]
}

export interface EgressCounters {
  /** To and from hosts, from start to now. */
  readonly sentBytes: number
  readonly receivedBytes: number
  /** Open now. */
  readonly connections: number
}

export class Egress {
  /** PEM of the authority that programs inside have to trust; undefined when no TLS is opened. */
  readonly authority: string | undefined
  readonly #access: NetworkAccess
  readonly #meter: Meter
  readonly #reporter: Reporter
  readonly #standIns = new StandIns()
  readonly #names: Names
  readonly #front: HttpFront
  readonly #socks: SocksFront
  readonly #tunnels: Tunnels
  readonly #servers = new Set<Server>()
  readonly #open = new Map<Socket, AbortController>()
  #closed = false

  /** Throws `sandbox.start_failed` for a rule that cannot be kept. */
  constructor(access: NetworkAccess, options: EgressOptions) {
    const { clock = systemClock, dial = dialDirect, resolve, hostAddresses, trust } = options
    const opens = access.allow.some((rule) => rule.openTls === true)
    const rules = new Rules(access.allow, access.authority !== undefined)
    const reporter = new Reporter(options.onAccess, clock)
    const patience = new Patience(clock)
    const meter = new Meter(access.maxBytes)
    const wayOut = new WayOut({ rules, reach: new Reach(resolve, hostAddresses), dial, meter, limits: access, trust })
    const timeoutMs = access.connectTimeoutMs
    this.authority = opens ? access.authority?.certificate : undefined
    this.#access = access
    this.#meter = meter
    this.#reporter = reporter
    this.#names = new Names(rules, this.#standIns, reporter)
    this.#front = new HttpFront({
      ...{ wayOut, reporter, patience, idleTimeoutMs: access.idleTimeoutMs },
      onConnect: (socket, target) => this.#connect(socket, target),
    })
    this.#socks = new SocksFront({
      ...{ reporter, timeoutMs },
      onConnect: (socket, host, port, answer) => this.#tunnel(socket, 'socks', this.#named(host, port), answer),
    })
    const opener = access.authority === undefined ? undefined : new TlsOpener(access.authority, clock)
    this.#tunnels = new Tunnels({ wayOut, reporter, patience, front: this.#front, opener, timeoutMs })
  }

  /** Serves HTTP proxy requests, CONNECT and SOCKS5 on a listening server, which is the egress's from now on. */
  serveProxy(server: Server): void {
    const limits = { maxBytes: 1, timeoutMs: this.#access.idleTimeoutMs }
    this.#serve(server, 'http', async (socket, gone) => {
      const first = await peek(socket, limits, ([byte]) => ({ value: byte, used: 0 }))
      if (first === SOCKS_VERSION) await this.#socks.serve(socket)
      else this.#front.serve(socket, { protocol: 'http' }, gone)
    })
  }

  /** Serves connections to stand-ins: their local address tells the name, their local port the port. */
  serveTransparent(server: Server): void {
    this.#serve(server, 'transparent', async (socket) => {
      const target = this.#destination(socket)
      const silent = { accept: () => {}, refuse: () => socket.destroy() }
      this.#tunnel(socket, 'transparent', target, silent)
    })
  }

  /** The answer to a query for a name; undefined for what must not be answered. Never throws, asks nobody. */
  answerDns(query: Buffer): Buffer | undefined {
    return this.#closed ? undefined : this.#names.answer(query)
  }

  counters(): EgressCounters {
    const { sentBytes, receivedBytes } = this.#meter
    return { sentBytes, receivedBytes, connections: this.#open.size }
  }

  /** Closes the listeners and cuts every connection. Idempotent. */
  close(): void {
    this.#closed = true
    for (const server of this.#servers) server.close()
    for (const socket of this.#open.keys()) socket.destroy()
    this.#servers.clear()
  }

  #serve(server: Server, protocol: Protocol, begin: (socket: Socket, gone: AbortSignal) => Promise<void>): void {
    this.#servers.add(server)
    server.on('error', () => {})
    server.on('connection', (socket: Socket) => {
      const gone = this.#admit(socket, protocol)
      if (gone !== undefined) begin(socket, gone).catch(() => socket.destroy())
    })
  }

  /** Undefined when it may not stay. */
  #admit(socket: Socket, protocol: Protocol): AbortSignal | undefined {
    socket.on('error', () => socket.destroy())
    if (this.#closed || this.#open.size >= this.#access.maxConnections) {
      const { text, port } = protocol === 'transparent' ? this.#destination(socket) : { text: '', port: 0 }
      if (!this.#closed) this.#reporter.refusedOften({ protocol, host: text, port }, 'connections')
      socket.destroy()
      return undefined
    }
    const controller = new AbortController()
    this.#open.set(socket, controller)
    socket.once('close', () => {
      this.#open.delete(socket)
      controller.abort()
    })
    // A program may say that it has sent everything and still wait for the answer.
    socket.allowHalfOpen = true
    socket.setNoDelay()
    return controller.signal
  }

  #connect(socket: Socket, target: string): void {
    const answer = connectAnswer(socket, target)
    try {
      const { text, port } = readConnectTarget(target)
      this.#tunnel(socket, 'connect', this.#named(text, port), answer)
    } catch (problem) {
      this.#reporter.refusedOften({ protocol: 'connect', host: target, port: 0 }, reasonOf(problem))
      answer.refuse(reasonOf(problem))
    }
  }

  #tunnel(socket: Socket, protocol: Protocol, { text, host, port }: Authority, answer: SocksAnswer): void {
    const gone = this.#open.get(socket)?.signal
    if (gone === undefined) socket.destroy()
    else
      this.#tunnels
        .open({ socket, gone, asked: { protocol, host: text, port }, host, ...answer })
        .catch(() => socket.destroy())
  }

  /** A program that looks up names by itself asks the proxy for a stand-in. */
  #named(text: string, port: number): Authority {
    const name = this.#standIns.nameOf(text) ?? text
    return { text: name, host: hostName(name), port }
  }

  #destination({ localAddress = '', localPort = 0 }: Socket): Authority {
    return this.#named(localAddress.replace(/^::ffff:/, ''), localPort)
  }
}

function connectAnswer(socket: Socket, target: string): SocksAnswer {
  const refuse = (reason: Reason) => {
    // Bounded at the front: a search from each of thousands of digits would hold up all of the gateway.
    const [, host = target, port = 0] = /^(.{1,253}):(\d{1,5})$/.exec(target) ?? []
    const text = refusalText(host, Number(port), reason)
    const head = `HTTP/1.1 ${refusalStatus(reason)} Refused\r\nContent-Type: text/plain\r\nConnection: close\r\n`
    farewell(socket, `${head}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
  }
  return { accept: () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'), refuse }
}
