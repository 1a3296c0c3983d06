// An upstream that does as the test says and keeps what it was sent, so that a test sees the gateway from behind.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Json } from './wire.ts'

export interface Seen {
  readonly headers: IncomingMessage['headers']
  readonly body: Json
  /** Set once the gateway has closed the connection before the answer was complete. */
  aborted: boolean
}

/** What an upstream does with one message. */
export type Behaviour = (turn: Turn) => void | Promise<void>

export interface Turn {
  readonly id: string | number
  readonly params: Json
  readonly seen: Seen
  /** Answers with a result. */
  result(value: Json): void
  /** Answers with an error. */
  error(code: number, message: string, data?: Json): void
  /** Sends one message on the stream of this request. */
  event(message: Json): void
}

export interface Scripted {
  readonly url: string
  readonly seen: readonly Seen[]
  /** The requests of one method. */
  of(method: string): readonly Seen[]
  /** Its last one; throws when there was none. */
  last(method: string): Seen
  close(): Promise<void>
}

type Methods = Readonly<Record<string, Behaviour>>

const INFO = { name: 'scripted', version: '1' }
const OFFERS = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true },
}

/** A modern upstream with these tools; `methods` replaces or adds behaviour. */
export function startModern(tools: readonly Json[], methods: Methods = {}): Promise<Scripted> {
  const meta = { _meta: { 'io.modelcontextprotocol/serverInfo': INFO } }
  const usual: Methods = {
    'server/discover': (turn) =>
      turn.result({
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: { ...OFFERS, extensions: { 'io.modelcontextprotocol/tasks': {} } },
        ttlMs: 3_600_000,
        cacheScope: 'public',
        ...meta,
      }),
    'tools/list': (turn) =>
      turn.result({ resultType: 'complete', tools, ttlMs: 3_600_000, cacheScope: 'public', ...meta }),
    'subscriptions/listen': (turn) => {
      const acknowledged = {
        notifications: turn.params['notifications'],
        _meta: { 'io.modelcontextprotocol/subscriptionId': turn.id },
      }
      turn.event({ method: 'notifications/subscriptions/acknowledged', params: acknowledged })
    },
    ...methods,
  }
  return listen((seen, response) => {
    const behaviour = usual[String(seen.body['method'])]
    const turn = turnOf(seen, response)
    if (behaviour === undefined) turn.error(-32601, 'Method not found')
    else void behaviour(turn)
  })
}

/** A legacy upstream with these tools; it opens a session and refuses the session's own stream. */
export function startLegacy(tools: readonly Json[], methods: Methods = {}, capabilities: Json = {}): Promise<Scripted> {
  const usual: Methods = {
    initialize: (turn) =>
      turn.result({
        protocolVersion: '2025-11-25',
        capabilities: { tools: { listChanged: true }, ...capabilities },
        serverInfo: INFO,
      }),
    'tools/list': (turn) => turn.result({ tools }),
    ...methods,
  }
  let sessions = 0
  return listen((seen, response) => {
    if (seen.body['id'] === undefined || seen.body['method'] === undefined) {
      response.writeHead(Object.keys(seen.body).length === 0 ? 405 : 202).end()
      return
    }
    if (seen.body['method'] === 'initialize') response.setHeader('mcp-session-id', `session-${++sessions}`)
    const behaviour = usual[String(seen.body['method'])]
    const turn = turnOf(seen, response)
    if (behaviour === undefined) turn.error(-32601, 'Method not found')
    else void behaviour(turn)
  })
}

function turnOf(seen: Seen, response: ServerResponse): Turn {
  const id = seen.body['id'] as string | number
  const send = (member: Json): void => {
    const message = JSON.stringify({ jsonrpc: '2.0', ...member })
    if (response.headersSent) response.write(`data: ${message}\n\n`)
    else response.writeHead(200, { 'content-type': 'application/json' }).write(message)
    response.end()
  }
  return {
    id,
    params: (seen.body['params'] ?? {}) as Json,
    seen,
    result: (result) => send({ id, result }),
    error: (code, message, data) => send({ id, error: { code, message, ...(data && { data }) } }),
    event(message) {
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
    },
  }
}

async function listen(serve: (seen: Seen, response: ServerResponse) => void): Promise<Scripted> {
  const all: Seen[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const seen: Seen = {
        headers: request.headers,
        body: text === '' ? {} : (JSON.parse(text) as Json),
        aborted: false,
      }
      all.push(seen)
      response.on('close', () => {
        if (!response.writableFinished) seen.aborted = true
      })
      serve(seen, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    seen: all,
    of: (method) => all.filter(({ body }) => body['method'] === method),
    last(method) {
      const found = all.findLast(({ body }) => body['method'] === method)
      if (found === undefined) throw new Error(`no ${method} arrived`)
      return found
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A tool that takes anything. */
export const tool = (name: string, more: Json = {}): Json => ({ name, inputSchema: { type: 'object' }, ...more })

/** Waits until `condition` holds, for at most `ms`. */
export async function within(ms: number, condition: () => boolean): Promise<boolean> {
  const end = Date.now() + ms
  while (!condition() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10))
  return condition()
}
