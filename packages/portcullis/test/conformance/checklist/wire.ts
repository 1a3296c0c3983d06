// How the checklist speaks: HTTP requests spelled out, so that a test can also say what no client library would.

import { readFileSync } from 'node:fs'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { SseDecoder } from '../../../src/mcp/sse.ts'

export type Json = Readonly<Record<string, unknown>>

/** Where the gateway is and who asks. */
export interface Caller {
  readonly url: string
  readonly token: string
  readonly caFile: string
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** The JSON body, or the last event of a stream. */
  readonly body: Json
  /** Every event that carried a message. */
  readonly events: readonly Json[]
}

const META = 'io.modelcontextprotocol/'
const agents = new Map<string, Agent>()

/** One connection pool for each authority; it keeps no test running. */
function agentFor({ caFile }: Caller): Agent {
  const known = agents.get(caFile) ?? new Agent({ ca: readFileSync(caFile), keepAlive: false })
  agents.set(caFile, known)
  return known
}

/** The envelope of a modern request. */
export const envelope = (capabilities: Json = {}, more: Json = {}): Json => ({
  [`${META}protocolVersion`]: '2026-07-28',
  [`${META}clientInfo`]: { name: 'checklist', version: '1' },
  [`${META}clientCapabilities`]: capabilities,
  ...more,
})

export interface Modern {
  readonly id?: string | number
  readonly method: string
  readonly params?: Json
  readonly capabilities?: Json
  readonly meta?: Json
  /** Replaces or, with `undefined`, removes headers. */
  readonly headers?: Readonly<Record<string, string | undefined>>
}

/** A modern request as message and headers. */
export function modernRequest({ id = 1, method, params = {}, capabilities, meta, headers }: Modern) {
  const message = { jsonrpc: '2.0', id, method, params: { ...params, _meta: envelope(capabilities, meta) } }
  const name = params['name'] ?? params['uri'] ?? params['taskId']
  const isNamed = ['tools/call', 'prompts/get', 'resources/read', 'tasks/get', 'tasks/update', 'tasks/cancel']
  return {
    message,
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(isNamed.includes(method) && { 'mcp-name': String(name) }),
      ...headers,
    },
  }
}

/** Sends a modern request and reads the whole answer. */
export async function modern(caller: Caller, request: Modern): Promise<Reply> {
  const { message, headers } = modernRequest(request)
  return (await open(caller, { message, headers })).whole()
}

export interface Sent {
  readonly method?: string
  readonly message?: unknown
  /** Bytes instead of a message. */
  readonly raw?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
}

/** An answer that may still be under way. */
export interface Open {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** The next event of a stream that carries a message; rejects when the stream ends before it. */
  next(): Promise<Json>
  /** Ids of the events so far, in their order. */
  readonly ids: readonly string[]
  whole(): Promise<Reply>
  /** Breaks the connection. */
  leave(): void
}

/** Sends anything and resolves with the head of the answer. */
export function open(caller: Caller, sent: Sent): Promise<Open> {
  return start(caller, sent).opened
}

/** Sends anything; `leave` breaks the connection even before there is an answer. */
export function start(caller: Caller, sent: Sent): { readonly opened: Promise<Open>; leave(): void } {
  const url = new URL(sent.path ?? caller.url, caller.url)
  const body = sent.raw ?? (sent.message === undefined ? undefined : JSON.stringify(sent.message))
  const headers = {
    authorization: `Bearer ${caller.token}`,
    accept: 'application/json, text/event-stream',
    ...(body !== undefined && {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
    }),
    ...sent.headers,
  }
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const request = httpsRequest(url, {
    agent: agentFor(caller),
    servername: 'localhost',
    method: sent.method ?? 'POST',
    headers: Object.fromEntries(given),
  })
  const opened = new Promise<Open>((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (response) => resolve(reader(request, response)))
  })
  request.end(body)
  opened.catch(() => {})
  return { opened, leave: () => request.destroy() }
}

function reader(request: ClientRequest, response: IncomingMessage): Open {
  const status = response.statusCode ?? 0
  const decoder = new SseDecoder(16_777_216)
  const chunks: Buffer[] = []
  const events: Json[] = []
  const ids: string[] = []
  const waiting: Array<() => void> = []
  let taken = 0
  let over = false
  const wake = () => waiting.splice(0).forEach((each) => each())
  const isStream = String(response.headers['content-type']).startsWith('text/event-stream')
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    if (isStream) take(decoder, chunk, events, ids)
    wake()
  })
  const ended = new Promise<void>((resolve) => {
    response.on('error', () => {})
    response.on('close', () => {
      over = true
      wake()
      resolve()
    })
  })
  return {
    status,
    headers: response.headers,
    ids,
    async next() {
      while (events.length <= taken) {
        if (over) throw new Error('the stream has ended')
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
      return events[taken++] as Json
    },
    async whole() {
      await ended
      const text = Buffer.concat(chunks).toString()
      const body = isStream ? events.at(-1) : text === '' ? {} : (JSON.parse(text) as Json)
      return { status, headers: response.headers, body: body ?? {}, events }
    },
    leave: () => request.destroy(),
  }
}

function take(decoder: SseDecoder, chunk: Buffer, events: Json[], ids: string[]): void {
  for (const event of decoder.push(chunk)) {
    if (event.id !== undefined) ids.push(event.id)
    if (event.data.length > 0) events.push(JSON.parse(event.data.toString()) as Json)
  }
}

export const resultOf = ({ body }: Reply): Json => (body['result'] ?? {}) as Json
export const errorOf = ({ body }: Reply) => (body['error'] ?? {}) as { code?: number; message?: string; data?: Json }
export const textOf = (reply: Reply): string =>
  ((resultOf(reply)['content'] ?? []) as ReadonlyArray<{ text?: string }>)[0]?.text ?? ''
