import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { atEndOfTurn, type Outbound } from '../../core/end-of-turn.ts'
import { Fault, toFault } from '../../core/fault.ts'
import { ResponseReader, type ResponseSink } from './response-reader.ts'

/**
 * Follows a TLS socket from its making, which may resume the session `offered`; what it returns is called once the platform has verified the server, and no byte of
 * a request leaves before it has resolved. Rejects with the fault that a request is to hear.
 */
export type WatchPeer = (socket: TLSSocket, offered?: Buffer) => () => Promise<void>

/** Where all connections of a pool go, and what proves the other end. */
export interface Target {
  readonly url: URL
  readonly connectTimeoutMs: number
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | readonly string[]
  /** What has to be true of the server beside what the platform asks. */
  readonly watchPeer?: WatchPeer
  /** Of an earlier connection (RFC 8446 §2.2); kept up to date by each connection. */
  session?: Buffer | undefined
}

/** A request that has not got a connection yet, or that is the one of its connection. */
export interface Transfer extends ResponseSink {
  /** Head and body. */
  readonly bytes: string
  readonly headersTimeoutMs: number
  /** Between two pieces of the body; 0: any time. */
  readonly idleTimeoutMs: number
  /** True when nobody waits for it any more. */
  readonly over: boolean
  onSent(connection: Connection): void
  onFailure(fault: Fault): void
}

export interface ConnectionOwner {
  /** The connection can carry a request now. */
  onReady(connection: Connection): void
  /** Called once. `fault` is why it never became ready. */
  onClosed(connection: Connection, fault: Fault | undefined): void
}

/** All sockets read into the same memory: what is read is used up before the next read (`onread` of node:net). */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024)
/** Node's own servers drop an idle connection after five seconds; a request that meets the drop is lost. */
const KEEP_SECONDS = 4
const MAX_KEEP_SECONDS = 600
/** What a certificate was worth is asked with each connection, so that a revocation counts within the hour. */
const MAX_AGE_MS = 3_600_000

/** One connection to an upstream: a request, its response, the next request. Nothing is sent ahead (RFC 9112 §9.3.2). */
export class Connection implements Outbound {
  readonly #owner: ConnectionOwner
  readonly #socket: Socket
  readonly #reader = new ResponseReader()
  #transfer: Transfer | undefined
  #ready = false
  #closed = false
  /** When it is given up unless something happens, on the clock of `performance.now()`. */
  #expiresAt: number
  /** From then on it takes no further request. */
  readonly #retiresAt: number
  #failure: Fault | undefined
  paused = false

  constructor(target: Target, owner: ConnectionOwner) {
    this.#owner = owner
    const now = performance.now()
    this.#expiresAt = now + target.connectTimeoutMs
    this.#retiresAt = now + MAX_AGE_MS
    const { session: offered } = target
    this.#socket = open(target, (count) => this.#read(count))
    const isTls = target.url.protocol === 'https:'
    const verify = isTls ? target.watchPeer?.(this.#socket as TLSSocket, offered) : undefined
    this.#socket.once(isTls ? 'secureConnect' : 'connect', () =>
      verify === undefined ? this.#connected() : this.#prove(verify, target),
    )
    if (isTls) this.#socket.on('session', (session: Buffer) => (target.session = session))
    this.#socket.on('error', (cause) => this.#fail(cause))
    this.#socket.on('end', () => this.#ended())
    this.#socket.on('close', () => this.#close())
  }

  get idle(): boolean {
    return this.#ready && this.#transfer === undefined && !this.#closed
  }

  /** Only while `idle`. */
  send(transfer: Transfer): void {
    this.#transfer = transfer
    this.#reader.begin(transfer)
    this.#expireIn(transfer.headersTimeoutMs)
    atEndOfTurn(this)
    transfer.onSent(this)
  }

  /** Writes what `send` was given. */
  flush(): void {
    if (this.#transfer !== undefined) this.#socket.write(this.#transfer.bytes)
  }

  pause(): void {
    this.paused = true
    this.#socket.pause()
  }

  resume(): void {
    this.paused = false
    if (this.#transfer !== undefined) this.#expireIn(this.#transfer.idleTimeoutMs)
    this.#socket.resume()
  }

  /** Ends the connection, and the transfer on it with `fault`. Idempotent. */
  destroy(fault?: Fault): void {
    this.#failure ??= fault
    this.#socket.destroy()
    this.#close()
  }

  /** To be called now and then: gives up a connection on which nothing has happened for too long. */
  expire(now: number): void {
    if (now < this.#expiresAt || this.paused) return
    this.destroy(new Fault(this.#ready ? 'upstream.ended' : 'upstream.unavailable', { reason: 'timeout' }))
  }

  #prove(verify: () => Promise<void>, target: Target): void {
    verify().then(
      () => {
        if (!this.#closed) this.#connected()
      },
      (thrown: unknown) => {
        target.session = undefined
        this.destroy(toFault(thrown))
      },
    )
  }

  #connected(): void {
    this.#ready = true
    this.#expireIn(KEEP_SECONDS * 1_000)
    this.#owner.onReady(this)
  }

  #read(count: number): void {
    const transfer = this.#transfer
    // Nothing was asked: an answer to nobody is meant to be taken for the next one.
    if (transfer === undefined) return this.destroy()
    this.#expireIn(transfer.idleTimeoutMs)
    try {
      if (!this.#reader.push(READ_BUFFER.subarray(0, count))) return
    } catch (thrown) {
      return this.destroy(toFault(thrown))
    }
    this.#release()
  }

  #release(): void {
    const { head } = this.#reader
    this.#transfer = undefined
    if (this.paused) this.resume()
    if (head?.persistent !== true || performance.now() > this.#retiresAt) return this.destroy()
    const seconds = head.keepSeconds === undefined ? KEEP_SECONDS : Math.min(head.keepSeconds - 1, MAX_KEEP_SECONDS)
    if (seconds <= 0) return this.destroy()
    this.#expireIn(seconds * 1_000)
    this.#owner.onReady(this)
  }

  #ended(): void {
    if (this.#transfer !== undefined && this.#reader.close()) this.#transfer = undefined
    this.destroy()
  }

  #fail(cause: Error & { readonly code?: string }): void {
    // Node has codes for the more common answers of OpenSSL only.
    const reason = cause.code === 'UNSPECIFIED' ? cause.message : (cause.code ?? cause.name)
    this.#failure ??= new Fault(this.#codeOfFailure(), { reason }, { cause })
  }

  #codeOfFailure(): 'upstream.ended' | 'upstream.certificate_refused' | 'upstream.unavailable' {
    if (this.#ready) return 'upstream.ended'
    // Node says there what OpenSSL, or the comparison of names, did not like.
    const refusal = 'authorizationError' in this.#socket ? this.#socket.authorizationError : null
    return refusal === null || refusal === undefined ? 'upstream.unavailable' : 'upstream.certificate_refused'
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    const failure = this.#failure ?? new Fault(this.#ready ? 'upstream.ended' : 'upstream.unavailable', CLOSED)
    const transfer = this.#transfer
    this.#transfer = undefined
    this.#owner.onClosed(this, this.#ready ? undefined : failure)
    transfer?.onFailure(failure)
  }

  #expireIn(milliseconds: number): void {
    this.#expiresAt = milliseconds === 0 ? Number.POSITIVE_INFINITY : performance.now() + milliseconds
  }
}

const CLOSED = { reason: 'connection closed' }

function open({ url, ca, session, watchPeer }: Target, read: (count: number) => void): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const options = {
    host,
    port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
    noDelay: true,
    keepAlive: true,
    onread: {
      buffer: READ_BUFFER,
      callback(count: number) {
        read(count)
        return true
      },
    },
  }
  if (url.protocol === 'http:') return connect(options)
  return connectTls({
    ...options,
    ...tlsOptions(host, ca, session),
    requestOCSP: watchPeer !== undefined,
  }) satisfies TLSSocket
}

function tlsOptions(host: string, ca: Target['ca'], session: Buffer | undefined): ConnectionOptions {
  return {
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(host) === 0 && { servername: host }), // RFC 6066 §3: no literal addresses
    ...(ca !== undefined && { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...(session !== undefined && { session }),
  }
}
