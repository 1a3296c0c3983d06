import type { Cancellation } from '../core/cancellation.ts'
import { Fault } from '../core/fault.ts'
import { type Id, isResponse, type Message, type Notification, type Request, type Response } from '../mcp/message.ts'
import { SseDecoder, type SseEvent } from '../mcp/sse.ts'
import { readEvents } from './http-events.ts'
import type { ChunkStream, HttpResponse } from './http-response.ts'
import { progressTokenOf, readMessage, whenRead, withId, withProgressToken } from './incoming.ts'
import type { LinkEvents, Parse } from './link.ts'

/**
 * The streams of a legacy session. A stream that breaks, or that the upstream closes on purpose to be polled, is taken
 * up again behind its last event (MCP 2025-11-25 transports, "Resumability and Redelivery").
 */
export interface CallStream {
  /** Of the request that this stream answers; undefined for the session's own stream. */
  readonly id: Id | undefined
  readonly callerId: Id
  /** The caller's progress token; ours is `id`. */
  readonly token: unknown
  readonly events: LinkEvents
  readonly call: Cancellation
  readonly parse: Parse
  readonly maxMessageBytes: number
  /** A GET, behind the given event. */
  connect(lastEventId: string | undefined): Promise<HttpResponse>
  /** Has a question of the upstream answered. */
  ask(request: Request): void
  /** Says whether there was such a question. */
  withdraw(id: unknown): boolean
}

/** Times that one call's stream is taken up again; its deadline ends it earlier. */
const MAX_RESUMES = 1_000
const DEFAULT_RETRY_MS = 1_000
const MIN_RETRY_MS = 10
const MAX_RETRY_MS = 30_000

/** Reads until the response. Throws `upstream.ended` when the stream ends and cannot be taken up again. */
export async function followCall(first: ChunkStream, stream: CallStream): Promise<Response> {
  let chunks: ChunkStream | undefined = first
  let lastEventId: string | undefined
  let retryMs = DEFAULT_RETRY_MS
  for (let resumes = 0; resumes <= MAX_RESUMES; resumes++) {
    const decoder: SseDecoder = new SseDecoder(stream.maxMessageBytes)
    const answer: Response | undefined = chunks && (await readOn(chunks, decoder, stream))
    if (answer !== undefined) return answer
    lastEventId = decoder.lastEventId ?? lastEventId
    retryMs = decoder.retryMs ?? retryMs
    if (lastEventId === undefined) break
    await pause(retryMs, stream.call)
    chunks = await reconnect(lastEventId, stream)
  }
  throw new Fault('upstream.ended', { reason: 'stream ended without a response' })
}

/**
 * Keeps the session's own stream open until the session ends or the upstream says that it has none. Calls `opened`
 * after each attempt.
 */
export async function followSession(stream: CallStream, opened: () => void): Promise<void> {
  let lastEventId: string | undefined
  let retryMs = DEFAULT_RETRY_MS
  while (!stream.call.cancelled) {
    const http = await stream.connect(lastEventId).catch(again)
    opened()
    if (http?.kind === 'buffer' && http.status < 500) return
    if (http?.kind === 'stream') {
      const decoder = new SseDecoder(stream.maxMessageBytes)
      await readOn(http.stream, decoder, stream)
      lastEventId = decoder.lastEventId ?? lastEventId
      retryMs = decoder.retryMs ?? DEFAULT_RETRY_MS
    } else {
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)
    }
    await pause(retryMs, stream.call)
  }
}

/** Reads one connection. Undefined: it ended or broke before the response. */
async function readOn(chunks: ChunkStream, decoder: SseDecoder, stream: CallStream): Promise<Response | undefined> {
  let answer: Response | undefined
  const parse = chunks.reads?.(stream.parse) ?? stream.parse
  const take = (event: SseEvent): boolean | Promise<boolean> => {
    if (event.data.length === 0) return false
    return whenRead(readMessage(parse, event.data), (message) => {
      const taken = handle(message, stream)
      if (taken === undefined || taken instanceof Promise) return taken?.then(() => false) ?? false
      answer = taken
      return true
    })
  }
  await readEvents(chunks, decoder, take).catch((thrown: unknown) => {
    if (stream.call.cancelled) throw thrown
    return again(thrown)
  })
  return answer
}

function handle(message: Message, stream: CallStream): Response | Promise<void> | undefined {
  if (isResponse(message)) {
    // Some upstreams replay other streams' events on one that is taken up again; those calls have got them already.
    if (message.id !== stream.id) return undefined
    return withId(message, stream.callerId)
  }
  if ('id' in message) {
    stream.ask(message as Request)
    return undefined
  }
  return notified(message, stream)
}

function notified(message: Notification, stream: CallStream): Promise<void> | undefined {
  if (message.method === 'notifications/cancelled' && stream.withdraw(message.params?.['requestId'])) return undefined
  const token = progressTokenOf(message)
  if (token === undefined) return stream.events.notify(message) ?? undefined
  if (token !== stream.id || stream.token === undefined) return undefined
  return stream.events.notify(withProgressToken(message, stream.token)) ?? undefined
}

async function reconnect(lastEventId: string, stream: CallStream): Promise<ChunkStream | undefined> {
  const http = await stream.connect(lastEventId).catch((thrown: unknown) => {
    if (stream.call.cancelled || !(thrown instanceof Fault) || thrown.code !== 'upstream.unavailable') throw thrown
    return undefined
  })
  if (http?.kind === 'buffer') throw new Fault('upstream.ended', { reason: 'stream not resumed', status: http.status })
  return http?.stream
}

/** A connection that broke may be taken up again; a broken message or a refusal of ours may not. */
function again(thrown: unknown): undefined {
  if (thrown instanceof Fault && (thrown.code === 'upstream.ended' || thrown.code === 'upstream.unavailable')) return
  throw thrown
}

function pause(ms: number, call: Cancellation): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => {
        forget()
        resolve()
      },
      Math.max(MIN_RETRY_MS, Math.min(ms, MAX_RETRY_MS)),
    )
    const forget = call.onCancel((why) => {
      clearTimeout(timer)
      reject(new Fault('upstream.ended', { reason: 'cancelled', why }))
    })
  })
}
