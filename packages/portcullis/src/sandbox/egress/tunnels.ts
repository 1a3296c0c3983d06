/**
 * Decides what becomes of a connection to a host that a program asked for by CONNECT, by SOCKS or by the name it looked up.
 *
 * What goes through must prove whom it is for: TLS by its server name, HTTP by its Host header. Nothing else goes through,
 * and nothing is dialled before.
 */
import type { Socket } from 'node:net'
import type { NetworkRule } from '../access.ts'
import { type ClientHello, MAX_HELLO_INPUT_BYTES, readClientHello } from './client-hello.ts'
import type { HttpFront } from './http-front.ts'
import type { Patience } from './patience.ts'
import { peek } from './peek.ts'
import type { Checked } from './reach.ts'
import { type Reason, reasonOf, Refused } from './refused.ts'
import { relay } from './relay.ts'
import type { Asked, Attempt, Reporter } from './report.ts'
import type { TlsOpener } from './tls-opener.ts'
import type { WayOut } from './way-out.ts'

export interface TunnelParts {
  readonly wayOut: WayOut
  readonly reporter: Reporter
  readonly patience: Patience
  readonly front: HttpFront
  /** Undefined when no rule opens TLS. */
  readonly opener: TlsOpener | undefined
  /** For the first bytes of the program to come. */
  readonly timeoutMs: number
}

export interface TunnelRequest {
  readonly socket: Socket
  /** Aborted when the client has left. */
  readonly gone: AbortSignal
  readonly asked: Asked
  /** Undefined when what was asked for is no host name. */
  readonly host: string | undefined
  /** Tells the client that it may speak. */
  readonly accept: () => void
  /** Tells the client why not, and closes; called instead of `accept`. */
  readonly refuse: (reason: Reason) => void
}

interface Granted {
  readonly host: string
  readonly rule: NetworkRule
  readonly checked: Checked
  readonly attempt: Attempt
}

const HTTP_PORT = 80
const HTTPS_PORT = 443
const TLS_HANDSHAKE = 22

export class Tunnels {
  readonly #parts: TunnelParts

  constructor(parts: TunnelParts) {
    this.#parts = parts
  }

  /** Resolves when the connection has ended or was handed to HTTP. Never rejects. */
  async open(request: TunnelRequest): Promise<void> {
    const { patience, reporter } = this.#parts
    const attempt = reporter.begin(request.asked)
    let accepted = false
    try {
      const granted = await this.#decide(request, attempt)
      accepted = true
      request.accept()
      await this.#pass(request, granted)
    } catch (problem) {
      attempt.fail(reasonOf(problem))
      await patience.beforeRefusal()
      if (accepted) request.socket.destroy()
      else request.refuse(reasonOf(problem))
    }
  }

  async #decide({ asked, host }: TunnelRequest, attempt: Attempt): Promise<Granted> {
    const rule = this.#parts.wayOut.decide(host, asked.port)
    if (host === undefined) throw new Refused('host')
    return { host, rule, checked: await this.#parts.wayOut.check(host, rule), attempt }
  }

  async #pass(request: TunnelRequest, granted: Granted): Promise<void> {
    const { host, rule, checked, attempt } = granted
    if (await this.#isHttp(request)) {
      this.#serveHttp(request, granted)
      return
    }
    const hello = await this.#hello(request)
    checkServerName(hello, host)
    if (rule.openTls === true) {
      await this.#serveOpened(request, granted)
      return
    }
    // A tunnel carries every method, so it would break the promise of a rule that names some.
    if (rule.methods !== undefined) throw new Refused('method')
    // The real name of the host is in a part that only the host can read.
    if (hello.encrypted) throw new Refused('ech')
    const way = await this.#parts.wayOut.connect(checked, request.asked.port, request.gone)
    attempt.goesOver(way)
    await relay(request.socket, way)
    attempt.end()
  }

  /** Port 80 speaks HTTP and port 443 TLS, whatever comes; elsewhere the first byte tells. */
  async #isHttp({ socket, asked: { port } }: TunnelRequest): Promise<boolean> {
    if (port === HTTP_PORT || port === HTTPS_PORT) return port === HTTP_PORT
    const limits = { maxBytes: 1, timeoutMs: this.#parts.timeoutMs }
    return (await peek(socket, limits, ([first]) => ({ value: first, used: 0 }))) !== TLS_HANDSHAKE
  }

  #hello({ socket }: TunnelRequest): Promise<ClientHello> {
    const limits = { maxBytes: MAX_HELLO_INPUT_BYTES, timeoutMs: this.#parts.timeoutMs }
    return peek(socket, limits, (bytes) => {
      const value = readClientHello(bytes)
      return value === undefined ? undefined : { value, used: 0 }
    })
  }

  /** From here on each request is reported, instead of the connection. */
  #serveHttp({ socket, gone, asked: { protocol, port } }: TunnelRequest, { host, checked }: Granted): void {
    this.#parts.front.serve(socket, { protocol, site: { host, port, scheme: 'http', checked } }, gone)
  }

  async #serveOpened({ socket, gone, asked: { protocol, port } }: TunnelRequest, granted: Granted): Promise<void> {
    const { host, checked } = granted
    const tls = await this.#parts.opener?.open(socket, host)
    if (tls === undefined) throw new Refused('internal')
    this.#parts.front.serve(tls, { protocol, site: { host, port, scheme: 'https', checked } }, gone)
  }
}

/** RFC 6066 §3: without the dot that ends an absolute name, and never an address. */
function checkServerName({ serverName }: ClientHello, host: string): void {
  if (serverName === undefined) throw new Refused('no-sni')
  if (serverName.toLowerCase() !== host) throw new Refused('sni')
}
