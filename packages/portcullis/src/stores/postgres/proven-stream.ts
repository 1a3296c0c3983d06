/**
 * What the client of PostgreSQL takes for its socket. It agrees upon TLS itself and opens only when the server is proved, so that
 * nothing reaches one that is not to be believed, whatever the client would send.
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls'
import type { ProveServer } from '../../core/tls-agent.ts'

export interface Proof {
  readonly tls: ConnectionOptions
  /** Of the configuration; a name or an address without brackets. */
  readonly host: string
  readonly prove: ProveServer
}

/** SSLRequest: eight octets, and the number that stands for it (PostgreSQL, chapter 54.7). */
const SSL_REQUEST = Buffer.of(0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f)
const YES = 0x53

type Written = (error?: Error | null) => void

/** Emits `connect` once the server is proved. Ends with an Error when it offers no TLS, or with what proves it not. */
export class ProvenStream extends Duplex {
  readonly #proof: Proof
  #socket: Socket | undefined
  #secure: TLSSocket | undefined

  constructor(proof: Proof) {
    super()
    this.#proof = proof
  }

  connect(port: number, host: string): this {
    const socket = connectTcp({ port, host, noDelay: true, keepAlive: true })
    this.#socket = socket
    socket.on('error', (error) => this.destroy(error))
    socket.once('close', () => this.destroy())
    socket.once('connect', () => socket.write(SSL_REQUEST))
    socket.once('data', (answer) => this.#agree(socket, answer))
    return this
  }

  /** For channel binding (RFC 5802 §6). */
  getPeerCertificate(): PeerCertificate | undefined {
    return this.#secure?.getPeerCertificate()
  }

  /** These four are asked for by the client; the first two hold for every connection here. */
  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    this.#socket?.ref()
    return this
  }

  unref(): this {
    this.#socket?.unref()
    return this
  }

  override _read(): void {
    this.#secure?.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Written): void {
    this.#send(chunk, done)
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Written): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: Written): void {
    if (this.#secure === undefined) return done()
    this.#secure.end(() => done())
  }

  override _destroy(error: Error | null, done: Written): void {
    this.#secure?.destroy()
    this.#socket?.destroy()
    done(error)
  }

  #send(bytes: Buffer, done: Written): void {
    if (this.#secure === undefined) return done(new Error('PostgreSQL is not proved yet'))
    this.#secure.write(bytes, done)
  }

  #agree(socket: Socket, answer: Buffer): void {
    // What comes with the answer came from whoever stands between, before anything was encrypted (CVE-2021-23222).
    if (answer.length !== 1 || answer[0] !== YES) {
      this.destroy(new Error('The server does not support SSL connections'))
      return
    }
    try {
      this.#secureBy(this.#proof, socket)
    } catch (error) {
      // Thrown here, it would end the process.
      this.destroy(error instanceof Error ? error : new Error('PostgreSQL is not proved'))
    }
  }

  /** Throws what the making of a TLS socket and of its proof throws. */
  #secureBy({ tls, host, prove }: Proof, socket: Socket): void {
    const servername = isIP(host) === 0 ? { servername: host } : {}
    const secure = connectTls({ ...tls, ...servername, socket, requestOCSP: true })
    secure.on('error', (error) => this.destroy(error))
    const verify = prove(secure, host)
    secure.once('secureConnect', () => {
      verify().then(
        () => this.#open(secure),
        (thrown: unknown) => this.destroy(thrown instanceof Error ? thrown : new Error('PostgreSQL is not proved')),
      )
    })
  }

  #open(secure: TLSSocket): void {
    if (this.destroyed) return
    this.#secure = secure
    secure.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) secure.pause()
    })
    secure.once('end', () => this.push(null))
    this.emit('connect')
  }
}
