/** Decides how a handler of node:http answers an exchange: it sees what was checked, and its answer leaves on our way. */
import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Answer, RequestHead } from '../../core/exchange.ts'
import { http } from '../../core/node-http.ts'

export interface NodeRequest {
  readonly method: string
  /** Path and query below the mount. */
  readonly url: string
  /** Path and query as the client sees them. */
  readonly originalUrl: string
  readonly headers: RequestHead['headers']
  readonly body: Buffer
}

/** A request and a response that belong to no socket. */
export interface NodePair {
  readonly request: IncomingMessage
  readonly response: CapturedResponse
}

export function nodePair({ method, url, originalUrl, headers, body }: NodeRequest): NodePair {
  const request = new http.IncomingMessage(new Socket())
  Object.assign(request, { method, url, originalUrl, headers: { ...headers }, complete: true })
  request.httpVersionMajor = 1
  request.httpVersionMinor = 1
  if (body.length > 0) request.push(body)
  request.push(null)
  return { request, response: new CapturedResponse(request) }
}

/** Keeps what a handler writes until the whole of it can leave as an answer. */
export class CapturedResponse extends http.ServerResponse {
  /** Resolves when the handler has ended the response. */
  readonly answered: Promise<Answer>
  readonly #chunks: Buffer[] = []
  readonly #resolve: (answer: Answer) => void

  constructor(request: IncomingMessage) {
    super(request)
    const { promise, resolve } = Promise.withResolvers<Answer>()
    this.answered = promise
    this.#resolve = resolve
  }

  override write(chunk: unknown): boolean {
    this.#keep(chunk)
    return true
  }

  override end(chunk?: unknown): this {
    if (this.writableEnded) return this
    this.#keep(chunk)
    this.#resolve(this.#answer())
    return super.end()
  }

  #keep(chunk: unknown): void {
    if (typeof chunk === 'string') this.#chunks.push(Buffer.from(chunk))
    else if (chunk instanceof Uint8Array) this.#chunks.push(Buffer.from(chunk))
  }

  #answer(): Answer {
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(this.getHeaders())) {
      if (value !== undefined && !FRAMING.has(name))
        headers[name] = Array.isArray(value) ? value.join(', ') : String(value)
    }
    const cookies = this.getHeader('set-cookie')
    const list = Array.isArray(cookies) ? cookies : cookies === undefined ? [] : [String(cookies)]
    const page = Buffer.concat(this.#chunks).toString('utf8')
    return { status: this.statusCode, headers, ...(page !== '' && { page }), ...(list.length > 0 && { cookies: list }) }
  }
}

/** Ours to write, not the handler's. */
const FRAMING = new Set(['set-cookie', 'content-length', 'transfer-encoding', 'connection', 'date', 'keep-alive'])
