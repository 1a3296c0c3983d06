/** A small server of plain HTTP for whoever asks: a short question, a short answer, and little patience. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { http } from '../core/node-http.ts'

export interface ByteQuestion {
  readonly method: string
  /** As sent, without the query. */
  readonly path: string
  /** Media type of the body, in lower case and without parameters; empty when none is named. */
  readonly type: string
  readonly body: Buffer
}

export interface ByteAnswer {
  readonly status: number
  /** Media type of `bytes`. */
  readonly type?: string
  readonly bytes?: Buffer
  readonly headers?: Readonly<Record<string, string>>
}

export interface ByteServerOptions {
  readonly host: string
  readonly port: number
  readonly maxBodyBytes: number
  readonly maxConnections: number
  /** How long a socket may last, whatever it does, so that those who do not read what they asked for leave room. Default: a minute. */
  readonly socketMs?: number
  /** Says whether one more socket of this address is taken; `release` is called when it closes. */
  readonly gate: { admit(address: string): boolean; release(address: string): void }
  /** Says for how many seconds this address has to wait before it may ask again; undefined when it may now. Absent: always. */
  readonly waitSeconds?: (address: string) => number | undefined
  /** What it throws becomes a 500 without a word. */
  readonly answer: (question: ByteQuestion) => ByteAnswer
  readonly onFailure: (thrown: unknown) => void
}

const PATIENCE_MS = 5_000
const CHECK_MS = 1_000
const SOCKET_MS = 60_000

export class ByteServer {
  readonly #server: Server
  readonly #options: ByteServerOptions

  constructor(options: ByteServerOptions) {
    this.#options = options
    this.#server = http.createServer(
      {
        maxHeaderSize: 8_192,
        headersTimeout: PATIENCE_MS,
        requestTimeout: PATIENCE_MS,
        keepAliveTimeout: PATIENCE_MS,
        connectionsCheckingInterval: CHECK_MS,
        insecureHTTPParser: false,
      },
      (request, response) => this.#receive(request, response),
    )
    this.#server.maxHeadersCount = 50
    this.#server.maxRequestsPerSocket = 100
    this.#server.maxConnections = options.maxConnections
    this.#server.on('connection', (socket) => {
      const address = socket.remoteAddress ?? ''
      socket.on('error', () => {})
      if (!options.gate.admit(address)) return void socket.destroy()
      const late = setTimeout(() => socket.destroy(), options.socketMs ?? SOCKET_MS).unref()
      socket.once('close', () => {
        clearTimeout(late)
        options.gate.release(address)
      })
    })
    this.#server.on('clientError', (_error, socket) => socket.destroy())
  }

  /** Resolves with the bound port. Rejects with the system's error, such as EADDRINUSE. */
  listen(): Promise<number> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, exclusive: true }, () => {
        this.#server.off('error', reject)
        this.#server.on('error', this.#options.onFailure)
        resolve((this.#server.address() as AddressInfo).port)
      })
    })
  }

  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    return closed
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const wait = this.#options.waitSeconds?.(request.socket.remoteAddress ?? '')
    if (wait !== undefined)
      return this.#send(request, response, { status: 429, headers: { 'retry-after': String(wait) } })
    const chunks: Buffer[] = []
    let length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > this.#options.maxBodyBytes) return this.#send(request, response, { status: 413 })
      chunks.push(chunk)
    })
    request.on('end', () => {
      if (!response.headersSent) this.#send(request, response, this.#answerTo(request, Buffer.concat(chunks)))
    })
  }

  #answerTo({ method = '', url = '', headers }: IncomingMessage, body: Buffer): ByteAnswer {
    try {
      const path = url.split('?', 1)[0] as string
      const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
      return this.#options.answer({ method, path, type, body })
    } catch (thrown) {
      this.#options.onFailure(thrown)
      return { status: 500 }
    }
  }

  #send(request: IncomingMessage, response: ServerResponse, { status, type, bytes, headers }: ByteAnswer): void {
    if (response.headersSent) return
    const isWhole = request.complete
    response.writeHead(status, {
      ...(type !== undefined && { 'content-type': type }),
      'content-length': bytes?.length ?? 0,
      'x-content-type-options': 'nosniff',
      ...(!isWhole && { connection: 'close' }),
      ...headers,
    })
    response.end(request.method === 'HEAD' ? undefined : bytes)
    if (!isWhole) request.destroy()
  }
}
