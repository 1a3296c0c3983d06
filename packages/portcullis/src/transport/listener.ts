import { randomUUID } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import { Cancellation } from '../core/cancellation.ts'
import type { Answer, Body, Exchange, RequestHead } from '../core/exchange.ts'
import { http } from '../core/node-http.ts'
import { Roster } from '../core/roster.ts'
import { freshTicketKeys, TICKET_KEY_MS } from '../pki/ticket-keys.ts'
import { RequestBody, WholeBody } from './body.ts'
import { ClientProof } from './client-proof.ts'
import type { Http2Front } from './http2-front.ts'
import type { ListenerOptions } from './listener-options.ts'
import type { OwnResponse, Response } from './plain-response.ts'
import { QuickFront } from './quick-front.ts'
import { headOf, plainHead } from './request-head.ts'
import { Reply } from './reply.ts'
import { type UnderWay, Visit } from './visit.ts'

const CHECK_MS = 1_000

/** A request and the way back, whoever has read it. */
interface Begun {
  readonly head: RequestHead
  readonly body: Body
  readonly socket: Socket
  readonly response: OwnResponse
}

/** One HTTP(S) socket of the gateway: bytes in, exchanges out, answers back. */
export class Listener {
  readonly #server: Server | https.Server
  readonly #options: ListenerOptions
  readonly #underWay: UnderWay = { open: new Roster(), streams: new Roster() }
  /** All that are connected, whether TLS knows them yet or not. */
  readonly #sockets = new Roster<Socket>()
  readonly #quick: QuickFront
  readonly #clients: ClientProof | undefined
  #http2: Promise<Http2Front> | undefined
  #closing = false
  #keepAlive: NodeJS.Timeout | undefined
  #tickets: NodeJS.Timeout | undefined

  constructor(options: ListenerOptions) {
    this.#options = options
    this.#clients = options.clients && new ClientProof(options.clients)
    const { limits } = options
    const settings: ServerOptions = {
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
    this.#quick = this.#quickFront(options.tls ? 'secureConnection' : 'connection')
    const { staple } = options
    type Stapled = (error: null, response: Buffer | null) => void
    if (staple !== undefined)
      this.#server.on('OCSPRequest', (_own, _issuer, answer: Stapled) => answer(null, staple() ?? null))
    this.#server.on('clientError', (_error, socket) => refuseSocket(socket as Socket))
    // Nothing can be told to a client without a session; waiting to tell it would keep the socket for ever.
    this.#server.on('tlsClientError', (_error: Error, socket: TLSSocket) => {
      this.#clients?.turnedAway(socket)
      socket.destroy()
    })
  }

  /** Resolves with the bound port. Rejects with the system's error, such as EADDRINUSE. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host: this.#options.host, port: this.#options.port, exclusive: true }, () => {
        this.#server.off('error', reject)
        this.#server.on('error', () => {})
        this.#keepAlive = setInterval(() => this.#beat(), this.#options.keepAliveMs).unref()
        this.#tickets = setInterval(() => this.#changeTickets(), TICKET_KEY_MS).unref()
        resolve((this.#server.address() as AddressInfo).port)
      })
    })
  }

  /** Event streams to clients. */
  get openStreams(): number {
    return this.#underWay.streams.size
  }

  /** New certificates for new connections; open ones keep theirs, and none is resumed that was begun under others. */
  renew(context: SecureContextOptions): void {
    if (this.#server instanceof https.Server) this.#server.setSecureContext(context)
    this.#changeTickets()
  }

  /** Takes no more connections, ends streams, waits up to `graceMs` for calls in flight, then closes what is left. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true
    clearInterval(this.#keepAlive)
    clearInterval(this.#tickets)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    this.#quick.close()
    this.#http2?.then((front) => front.close()).catch(() => {})
    const idle = setInterval(() => this.#server.closeIdleConnections(), 50)
    const late = setTimeout(() => {
      for (const departure of this.#underWay.open.members) departure.cancel('shutdown')
      // One that is in its handshake is no connection of the server yet, and nobody would ask later how long it takes.
      for (const socket of this.#sockets.members) socket.destroy()
    }, graceMs)
    await closed
    clearInterval(idle)
    clearTimeout(late)
  }

  /** Stands before the server's own listener, which is given the connections that are not plain enough. */
  #quickFront(event: 'connection' | 'secureConnection'): QuickFront {
    const server: EventEmitter = this.#server
    const [own] = server.listeners(event) as [(socket: Socket) => void]
    server.off(event, own)
    server.on('connection', (socket: Socket) => this.#admit(socket))
    server.on('secureConnection', (socket: TLSSocket) => this.#clients?.meet(socket))
    const front = new QuickFront({
      limits: this.#options.limits,
      now: () => this.#options.clock.now(),
      handle: ({ request, body, socket, response }) =>
        this.#begin({ head: plainHead(request), body: new WholeBody(body), socket, response }),
      handOver: (socket) => own.call(server, socket),
    })
    const take = (socket: Socket): void => {
      if (socket.destroyed) return
      if ('alpnProtocol' in socket && socket.alpnProtocol === 'h2') this.#takeHttp2(socket)
      else front.take(socket)
    }
    server.on(event, (socket: Socket) => {
      // Nothing of a request is read before its client has proved who it is, or is nobody.
      const waiting = this.#clients?.waitingFor(socket)
      if (waiting === undefined) take(socket)
      else void waiting.then(() => take(socket))
    })
    return front
  }

  /** What reads HTTP/2 is loaded for the first who speaks it. */
  #takeHttp2(socket: Socket): void {
    // Whoever was in its handshake may be the first; nobody would tell it that it has to go.
    if (this.#closing) return void socket.destroy()
    this.#http2 ??= this.#openHttp2()
    this.#http2.then((front) => front.take(socket)).catch(() => socket.destroy())
  }

  async #openHttp2(): Promise<Http2Front> {
    const { Http2Front: Front } = await import('./http2-front.ts')
    const { limits, http2, clock } = this.#options
    if (http2 === undefined) throw new Error('HTTP/2 is not offered')
    return new Front({
      limits: { ...limits, ...http2.limits },
      gate: http2.gate,
      onAbuse: http2.onAbuse,
      now: () => clock.now(),
      handle: (request) => this.#begin(request),
    })
  }

  #changeTickets(): void {
    if (this.#server instanceof https.Server) this.#server.setTicketKeys(freshTicketKeys())
  }

  #admit(socket: Socket): void {
    socket.on('error', () => {})
    const seat = this.#sockets.enter(socket)
    socket.once('close', () => this.#sockets.leave(seat))
    const { gate } = this.#options
    const address = socket.remoteAddress
    if (gate === undefined || address === undefined) return
    if (!gate.admit(address)) {
      socket.destroy()
      return
    }
    socket.once('close', () => gate.release(address))
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const exchange = this.#exchange(headOf(request), request.socket, new RequestBody(request), response)
    const reply = exchange.outlet as Reply
    const visit = new Visit(this.#underWay, exchange.departure, reply)
    response.once('close', () => (response.writableFinished ? visit.end() : visit.left()))
    this.#options
      .serve(exchange)
      .then((answer) => this.#answer(request, response, reply, answer))
      // The pipeline turns every throw into an answer; what still arrives here has no safe answer left.
      .catch(() => response.destroy())
  }

  /** Its answer has ended when the response says so; returns what is told if the client leaves before. */
  #begin({ head, body, socket, response }: Begun): Visit {
    const exchange = this.#exchange(head, socket, body, response)
    const reply = exchange.outlet as Reply
    const visit = new Visit(this.#underWay, exchange.departure, reply)
    response.onEnd(visit)
    this.#options
      .serve(exchange)
      .then((answer) => reply.finish(answer))
      .catch(() => response.destroy())
    return visit
  }

  #exchange(head: RequestHead, socket: Socket, body: Body, response: Response): Exchange {
    const { clock, journal } = this.#options
    return {
      incident: randomUUID(),
      receivedAt: clock.now(),
      peer: {
        address: socket.remoteAddress ?? '',
        encrypted: 'encrypted' in socket,
        ...this.#clients?.of(socket),
      },
      head,
      body,
      outlet: new Reply(response, () => journal(head)),
      departure: new Cancellation(),
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse, reply: Reply, answer: Answer): void {
    // A body that was not read to its end would be taken for the next request on this connection.
    if (!request.complete && !reply.streaming) response.shouldKeepAlive = false
    const finished = reply.finish(answer)
    if (!request.complete) request.resume()
    finished?.catch(() => response.destroy())
  }

  #beat(): void {
    for (const reply of this.#underWay.streams.members) reply.keepAlive()
  }
}

/** Bytes that are not HTTP get the shortest legal answer and no hint (RFC 9112 §9.6). */
function refuseSocket(socket: Socket): void {
  if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  else socket.destroy()
}
