import { randomUUID } from 'node:crypto'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { DetailedPeerCertificate, SecureContextOptions, TlsOptions, TLSSocket } from 'node:tls'
import { Cancellation } from '../core/cancellation.ts'
import type { Clock } from '../core/clock.ts'
import type { Answer, Exchange, PeerCertificate, RequestHead } from '../core/exchange.ts'
import { Roster } from '../core/roster.ts'
import { RequestBody } from './body.ts'
import { type EventJournal, Reply } from './reply.ts'

/** Resource limits of a listener; `traffic/flood.ts` holds the values and the reasons. */
export interface ListenerLimits {
  /** For the TLS handshake, and then for the head. */
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly maxHeaderBytes: number
  readonly maxHeaders: number
  readonly maxRequestsPerSocket: number
  readonly maxConnections: number
}

export interface ListenerOptions {
  readonly host: string
  readonly port: number
  /** TLS material; absent only where the configuration spells `plaintext`. */
  readonly tls?: TlsOptions
  /** Reads what TLS has verified, DER, the client's own first; absent when clients are not asked for certificates. */
  readonly readCertificate?: (chain: readonly Buffer[]) => PeerCertificate
  readonly limits: ListenerLimits
  readonly clock: Clock
  /** Milliseconds between the comments that keep silent streams open. */
  readonly keepAliveMs: number
  /** Says whether one more socket of this address is taken; `release` is called when it closes. */
  readonly gate?: { admit(address: string): boolean; release(address: string): void }
  readonly serve: (exchange: Exchange) => Promise<Answer>
  /** The journal for a reply that becomes a stream; asked only after the request was admitted. */
  readonly journal: (head: RequestHead) => EventJournal | undefined
}

const CHECK_MS = 1_000

/** One HTTP(S) socket of the gateway: bytes in, exchanges out, answers back. */
export class Listener {
  readonly #server: http.Server | https.Server
  readonly #options: ListenerOptions
  readonly #streams = new Roster<Reply>()
  readonly #open = new Roster<Cancellation>()
  readonly #certificates = new WeakMap<Socket, PeerCertificate>()
  #keepAlive: NodeJS.Timeout | undefined

  constructor(options: ListenerOptions) {
    this.#options = options
    const { limits } = options
    const settings: http.ServerOptions = {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      // Node looks for slow requests every 30 seconds, which would add those to each limit.
      connectionsCheckingInterval: CHECK_MS,
      noDelay: true,
      insecureHTTPParser: false,
      requireHostHeader: true,
      // Two Host or Authorization headers arrive joined, so that strict-head can see and refuse them.
      joinDuplicateHeaders: true,
    }
    const handle = (request: IncomingMessage, response: ServerResponse) => this.#handle(request, response)
    this.#server = options.tls
      ? https.createServer({ ...settings, ...options.tls, handshakeTimeout: limits.headersTimeoutMs }, handle)
      : http.createServer(settings, handle)
    this.#server.maxHeadersCount = limits.maxHeaders
    this.#server.maxRequestsPerSocket = limits.maxRequestsPerSocket
    this.#server.maxConnections = limits.maxConnections
    this.#server.on('connection', (socket) => this.#admit(socket))
    this.#server.on('secureConnection', (socket: TLSSocket) => this.#identify(socket))
    this.#server.on('clientError', (_error, socket) => refuseSocket(socket as Socket))
    // Nothing can be told to a client without a session; waiting to tell it would keep the socket for ever.
    this.#server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy())
  }

  /** Resolves with the bound port. Rejects with the system's error, such as EADDRINUSE. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host: this.#options.host, port: this.#options.port, exclusive: true }, () => {
        this.#server.off('error', reject)
        this.#server.on('error', () => {})
        this.#keepAlive = setInterval(() => this.#beat(), this.#options.keepAliveMs).unref()
        resolve((this.#server.address() as AddressInfo).port)
      })
    })
  }

  /** Event streams to clients. */
  get openStreams(): number {
    return this.#streams.size
  }

  /** New certificates for new connections; open ones keep theirs. */
  renew(context: SecureContextOptions): void {
    if (this.#server instanceof https.Server) this.#server.setSecureContext(context)
  }

  /** Takes no more connections, ends streams, waits up to `graceMs` for calls in flight, then closes what is left. */
  async close(graceMs: number): Promise<void> {
    clearInterval(this.#keepAlive)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const idle = setInterval(() => this.#server.closeIdleConnections(), 50)
    const late = setTimeout(() => {
      for (const departure of this.#open.members) departure.cancel('shutdown')
      this.#server.closeAllConnections()
    }, graceMs)
    await closed
    clearInterval(idle)
    clearTimeout(late)
  }

  #admit(socket: Socket): void {
    socket.on('error', () => {})
    const { gate } = this.#options
    const address = socket.remoteAddress
    if (gate === undefined || address === undefined) return
    if (!gate.admit(address)) {
      socket.destroy()
      return
    }
    socket.once('close', () => gate.release(address))
  }

  /** What TLS did not verify is nobody's certificate; one that cannot be read ends the connection. */
  #identify(socket: TLSSocket): void {
    const { readCertificate } = this.#options
    if (readCertificate === undefined || !socket.authorized) return
    try {
      const chain = chainOf(socket)
      if (chain.length > 0) this.#certificates.set(socket, readCertificate(chain))
    } catch {
      socket.destroy()
    }
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const exchange = exchangeOf(request, response, this.#options, this.#certificates.get(request.socket))
    const reply = exchange.outlet as Reply
    const seat = this.#open.enter(exchange.departure)
    reply.onStream = () => this.#keepOpen(reply, response)
    response.once('close', () => {
      this.#open.leave(seat)
      if (!response.writableFinished) exchange.departure.cancel('client-left')
    })
    this.#options
      .serve(exchange)
      .then((answer) => this.#answer(request, response, reply, answer))
      // The pipeline turns every throw into an answer; what still arrives here has no safe answer left.
      .catch(() => response.destroy())
  }

  #answer(request: IncomingMessage, response: ServerResponse, reply: Reply, answer: Answer): void {
    // A body that was not read to its end would be taken for the next request on this connection.
    if (!request.complete && !reply.streaming) response.shouldKeepAlive = false
    const finished = reply.finish(answer)
    if (!request.complete) request.resume()
    finished?.catch(() => response.destroy())
  }

  /** Only streams need the beat; for an answer that leaves whole it would be one more thing to keep. */
  #keepOpen(reply: Reply, response: ServerResponse): void {
    const seat = this.#streams.enter(reply)
    response.once('close', () => this.#streams.leave(seat))
  }

  #beat(): void {
    for (const reply of this.#streams.members) reply.keepAlive()
  }
}

/** Node ends a chain with a certificate that is its own issuer. */
function chainOf(socket: TLSSocket): readonly Buffer[] {
  const chain: Buffer[] = []
  let link: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  while (link?.raw !== undefined && chain.at(-1)?.equals(link.raw) !== true) {
    chain.push(link.raw)
    link = link.issuerCertificate
  }
  return chain
}

function exchangeOf(
  request: IncomingMessage,
  response: ServerResponse,
  { clock, journal }: ListenerOptions,
  certificate: PeerCertificate | undefined,
): Exchange {
  const url = request.url ?? ''
  const mark = url.indexOf('?')
  const head: RequestHead = {
    method: request.method ?? '',
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? '' : url.slice(mark + 1),
    headers: request.headers,
    ...(hasRepeated(request) && { repeated: repeatedNames(request.rawHeaders) }),
  }
  return {
    incident: randomUUID(),
    receivedAt: clock.now(),
    peer: {
      address: request.socket.remoteAddress ?? '',
      encrypted: 'encrypted' in request.socket,
      ...(certificate && { certificate }),
    },
    head,
    body: new RequestBody(request),
    outlet: new Reply(response, () => journal(head)),
    departure: new Cancellation(),
  }
}

/** Two numbers tell, so that an ordinary head costs no set. */
const hasRepeated = ({ rawHeaders, headers }: IncomingMessage): boolean =>
  rawHeaders.length / 2 !== Object.keys(headers).length

function repeatedNames(rawHeaders: readonly string[]): readonly string[] {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))]
}

/** Bytes that are not HTTP get the shortest legal answer and no hint (RFC 9112 §9.6). */
function refuseSocket(socket: Socket): void {
  if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  else socket.destroy()
}
