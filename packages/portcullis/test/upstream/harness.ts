import { type ChildProcess, spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Cancellation } from '../../src/core/cancellation.ts'
import { Fault, type FaultCode } from '../../src/core/fault.ts'
import { parseStrict } from '../../src/inspection/strict-json.ts'
import { META } from '../../src/mcp/meta.ts'
import type { Notification, Params, Request, Response } from '../../src/mcp/message.ts'
import { HttpPool, type HttpPoolOptions } from '../../src/upstream/http-pool.ts'
import type { LinkClient, LinkEvents, LinkRequest } from '../../src/upstream/link.ts'
import type { LineProcess, ProcessExit } from '../../src/upstream/stdio-process.ts'

/** What the tests of links share: parsers, processes without a sandbox, servers that behave as they are told. */
export const parse = (bytes: Buffer): unknown => parseStrict(bytes, { maxDepth: 64 })
export const GATEWAY = { name: 'portcullis-test', version: '0' }
export const CLIENT: LinkClient = { info: GATEWAY, capabilities: {}, version: '2025-11-25' }
export const ENVELOPE: Params = {
  [META.version]: '2026-07-28',
  [META.clientInfo]: GATEWAY,
  [META.clientCapabilities]: {},
}
export const never = (): Cancellation => new Cancellation()
export const isFault =
  (code: FaultCode, detail: Record<string, unknown> = {}) =>
  (thrown: unknown): boolean => {
    if (!(thrown instanceof Fault) || thrown.code !== code) throw thrown
    return Object.entries(detail).every(([name, value]) => thrown.detail[name] === value)
  }

export const call = (name: string, args: Params = {}, more: Params = {}): LinkRequest => ({
  id: 'caller-1',
  method: 'tools/call',
  params: { name, arguments: args, ...more },
})

export interface Recorder extends LinkEvents {
  readonly notes: Notification[]
  readonly asked: Request[]
}

/** Keeps what arrives and answers questions with `reply`. */
export function recorder(reply?: (request: Request) => Promise<Response> | Response): Recorder {
  const notes: Notification[] = []
  const asked: Request[] = []
  return {
    notes,
    asked,
    notify: (message) => void notes.push(message),
    async ask(request) {
      asked.push(request)
      if (reply === undefined) throw new Fault('upstream.unsupported')
      return reply(request)
    },
  }
}

/** A process that only exists in the test: `emit` is its output, `lines` its input. */
export class FakeProcess implements LineProcess {
  readonly lines: Array<Record<string, unknown>> = []
  readonly exited: Promise<ProcessExit>
  room = Number.POSITIVE_INFINITY
  stopped = 0
  onSend: (message: Record<string, unknown>) => void = () => {}
  #listener: (line: Buffer) => void = () => {}
  #drain: () => void = () => {}
  #exit: (exit: ProcessExit) => void = () => {}

  constructor() {
    this.exited = new Promise((resolve) => {
      this.#exit = resolve
    })
  }

  send(line: string | Buffer): boolean {
    const message = JSON.parse(String(line)) as Record<string, unknown>
    this.lines.push(message)
    this.room--
    this.onSend(message)
    return this.room > 0
  }

  onDrain(listener: () => void): void {
    this.#drain = listener
  }

  onLine(listener: (line: Buffer) => void): void {
    this.#listener = listener
  }

  emit(message: unknown): void {
    if (Buffer.isBuffer(message)) this.#listener(message)
    else this.#listener(Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)))
  }

  drain(room = Number.POSITIVE_INFINITY): void {
    this.room = room
    this.#drain()
  }

  exit(reason = 'exited', code: number | null = 1): void {
    this.#exit({ code, signal: null, reason })
  }

  async stop(): Promise<void> {
    this.stopped++
    this.exit('stopped', null)
  }
}

/** A real child process, without a sandbox: only tests may do that. */
export function bareProcess(command: string, args: readonly string[]): LineProcess & { readonly child: ChildProcess } {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, reason: 'exited' }))
    child.once('error', () => resolve({ code: null, signal: null, reason: 'error' }))
  })
  child.stdin.on('error', () => {})
  return {
    child,
    exited,
    send: (line) => child.stdin.writable && child.stdin.write(`${line}\n`),
    onDrain: (listener) => void child.stdin.on('drain', listener),
    onLine(listener) {
      let rest = ''
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() as string
        for (const line of lines) listener(Buffer.from(line))
      })
    },
    async stop() {
      child.stdin.end()
      child.kill('SIGKILL')
      await exited
    },
  }
}

export interface TestServer {
  readonly url: URL
  readonly requests: Array<{ method: string; headers: IncomingMessage['headers']; body: Record<string, unknown> }>
  /** Connections that are open right now. */
  connections(): Promise<number>
  close(): Promise<void>
}

type Reply = (response: ServerResponse, body: Record<string, unknown>, request: IncomingMessage) => void

/** A loopback server whose answers one function decides. */
export async function serve(reply: Reply): Promise<TestServer> {
  const requests: TestServer['requests'] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
      requests.push({ method: request.method as string, headers: request.headers, body })
      reply(response, body, request)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`),
    requests,
    connections: () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count))),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export const json = (response: ServerResponse, value: unknown, status = 200, headers = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof value === 'string' ? value : JSON.stringify(value))
}

export const sse = (response: ServerResponse, ...events: unknown[]): ServerResponse => {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`)
  return response
}

export const pool = (url: URL, options: Partial<HttpPoolOptions> = {}): HttpPool =>
  new HttpPool({
    url,
    maxConnections: 4,
    maxStreams: 4,
    maxPending: 100,
    connectTimeoutMs: 2_000,
    headersTimeoutMs: 5_000,
    idleTimeoutMs: 5_000,
    maxResponseBytes: 1024 * 1024,
    ...options,
  })

/** Waits until `condition` holds; fails after two seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error('it never happened')
}
