/**
 * Speaks HTTP with the programs inside: to the proxy, and in place of a host on port 80 or behind opened TLS. Every request
 * is decided anew, for one connection can carry requests for many hosts, and is written anew, so that nothing that we read
 * in one way can be read in another by the host.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { http } from '../../core/node-http.ts'
import type { NetworkRule } from '../access.ts'
import { farewell, refusalStatus, refusalText } from './farewell.ts'
import { checkFraming, overridingMethods } from './http-head.ts'
import { DEFAULT_PORTS, MAX_HEAD_BYTES, Onward, type Site } from './http-onward.ts'
import type { Patience } from './patience.ts'
import { type Reason, reasonOf, Refused } from './refused.ts'
import type { Asked, Attempt, Protocol, Reporter } from './report.ts'
import { checkHost, readAbsoluteTarget, readPath } from './target.ts'
import type { WayOut } from './way-out.ts'

/** What an HTTP connection is: how it came, and for a connection in place of a host, which host that is. */
export interface Carrier {
  readonly protocol: Protocol
  readonly site?: Site
}

export interface HttpFrontParts {
  readonly wayOut: WayOut
  readonly reporter: Reporter
  readonly patience: Patience
  /** Without a whole request head. */
  readonly idleTimeoutMs: number
  /** Takes over a connection that asks the proxy for a tunnel. */
  readonly onConnect: (socket: Socket, target: string) => void
}

interface Visit {
  readonly carrier: Carrier
  readonly onward: Onward
  readonly idle: NodeJS.Timeout
  busy: boolean
  /** Whether some request was reported, which then stands for the connection. */
  told: boolean
}

interface Asking {
  readonly asked: Asked
  /** Undefined when it is no host name. */
  readonly host: string | undefined
  readonly path: string | undefined
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly asking: Asking
  readonly attempt: Attempt
  readonly onFailure: (reason: Reason) => void
}

export class HttpFront {
  readonly #parts: HttpFrontParts
  readonly #server: Server
  readonly #visits = new WeakMap<Duplex, Visit>()

  constructor(parts: HttpFrontParts) {
    this.#parts = parts
    this.#server = http.createServer({
      maxHeaderSize: MAX_HEAD_BYTES,
      insecureHTTPParser: false,
      requireHostHeader: true,
      keepAliveTimeout: 0,
      noDelay: true,
    })
    this.#server.maxHeadersCount = 0 // the size bounds them; a count would drop the last ones in silence
    this.#server.timeout = 0
    const onRequest = (request: IncomingMessage, response: ServerResponse) => {
      this.#serve(request, response).catch(() => response.destroy())
    }
    this.#server.on('request', onRequest).on('checkContinue', onRequest)
    this.#server.on('connect', (request, socket, head) => this.#connect(request, socket, head))
    this.#server.on('clientError', (_problem, socket) => this.#refuseBytes(socket))
  }

  /** Takes the connection over. `gone` is aborted when the client has left. */
  serve(socket: Duplex, carrier: Carrier, gone: AbortSignal): void {
    const onIdle = () => !visit.busy && socket.destroy()
    const visit: Visit = {
      carrier,
      onward: new Onward(this.#parts.wayOut, gone),
      idle: setTimeout(onIdle, this.#parts.idleTimeoutMs),
      busy: false,
      told: false,
    }
    this.#visits.set(socket, visit)
    const onClose = () => {
      clearTimeout(visit.idle)
      visit.onward.close()
      if (carrier.site !== undefined) this.#tellUnused(visit, 'left')
    }
    socket.once('close', onClose)
    if (socket.closed) onClose()
    else if (!socket.destroyed) this.#server.emit('connection', socket)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const visit = this.#visits.get(request.socket)
    // A second request before the first was answered would get around the limit of connections.
    if (visit === undefined || visit.busy) {
      request.socket.destroy()
      return
    }
    visit.busy = true
    visit.told = true
    response.once('close', () => {
      visit.busy = false
      visit.idle.refresh()
    })
    const asking = readAsking(visit.carrier, request)
    const attempt = this.#parts.reporter.begin(asking.asked)
    const onFailure = (reason: Reason) => answerRefusal(response, asking.asked, reason)
    try {
      this.#pass(visit, { request, response, asking, attempt, onFailure })
    } catch (problem) {
      attempt.fail(reasonOf(problem))
      await this.#parts.patience.beforeRefusal()
      onFailure(reasonOf(problem))
    }
  }

  #pass({ carrier, onward }: Visit, { request, response, asking, attempt, onFailure }: Exchange): void {
    const { asked, host, path } = asking
    const scheme = carrier.site?.scheme ?? 'http'
    if (path === undefined) throw new Refused('protocol')
    if (host === undefined) throw new Refused('host')
    checkFraming(request)
    const rule = this.#parts.wayOut.decide(host, asked.port)
    if (scheme === 'http') checkPlain(rule, asked.port)
    checkHost(request.rawHeaders, host, asked.port, DEFAULT_PORTS[scheme])
    checkMethod(rule, request.method ?? '')
    for (const method of overridingMethods(request)) checkMethod(rule, method)
    if (request.headers.expect !== undefined) response.writeContinue()
    const site = carrier.site ?? { host, port: asked.port, scheme }
    onward.pass(request, response, { site, path, rule, attempt, onFailure })
  }

  /** A tunnel inside of a connection that is a host's already would be a way around its checks. */
  #connect(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const visit = this.#visits.get(socket)
    if (visit === undefined || visit.busy || visit.carrier.site !== undefined) {
      socket.destroy()
      return
    }
    visit.told = true
    clearTimeout(visit.idle)
    if (head.length > 0) socket.unshift(head)
    this.#parts.onConnect(socket as Socket, request.url ?? '')
  }

  #refuseBytes(socket: Duplex): void {
    const visit = this.#visits.get(socket)
    if (visit !== undefined) this.#tellUnused(visit, 'protocol')
    if (visit === undefined || visit.busy || !socket.writable) socket.destroy()
    else farewell(socket, 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  }

  /** A connection whose requests are reported needs no report of its own. */
  #tellUnused(visit: Visit, reason: Reason): void {
    if (visit.told) return
    visit.told = true
    const { protocol, site } = visit.carrier
    if (site === undefined) this.#parts.reporter.refusedOften({ protocol, host: '', port: 0 }, reason)
    else this.#parts.reporter.begin({ protocol, host: site.host, port: site.port }).fail(reason)
  }
}

/** What a request asks for; without a path when that cannot be read. */
function readAsking({ protocol, site }: Carrier, { url = '' }: IncomingMessage): Asking {
  try {
    if (site !== undefined)
      return { asked: { protocol, host: site.host, port: site.port }, host: site.host, path: readPath(url) }
    const { authority, path } = readAbsoluteTarget(url)
    return { asked: { protocol, host: authority.text, port: authority.port }, host: authority.host, path }
  } catch {
    return { asked: { protocol, host: site?.host ?? '', port: site?.port ?? 0 }, host: undefined, path: undefined }
  }
}

/** What is meant for TLS does not leave without, and a header that is injected into TLS least of all. */
function checkPlain({ openTls, inject }: NetworkRule, port: number): void {
  if (port === DEFAULT_PORTS.https || (openTls === true && inject !== undefined)) throw new Refused('not-tls')
}

/** TRACE is refused everywhere: its answer would show the program what was injected (RFC 9110 §9.3.8). */
function checkMethod({ methods }: NetworkRule, method: string): void {
  if (method === 'TRACE' || (methods !== undefined && !methods.includes(method))) throw new Refused('method')
}

function answerRefusal(response: ServerResponse, { host, port }: Asked, reason: Reason): void {
  const text = refusalText(host, port, reason)
  response.shouldKeepAlive = false
  response.writeHead(refusalStatus(reason), { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(text) })
  response.end(text)
}
