import { bulkOf, isWide } from '../core/bulk.ts'
import { Fault } from '../core/fault.ts'
import { type Id, isRecord, type Message, type Notification, type Params, type Response } from '../mcp/message.ts'
import { META } from '../mcp/meta.ts'
import type { Parse } from './link.ts'

/**
 * What an upstream may say: every message from there passes this file before anything believes it. The parsed objects
 * are ours alone, so ids are put back in place instead of copying a large result.
 */

/** Bytes → one JSON-RPC message of the right shape, or the fault `upstream.malformed`. A promise when the text is large. */
export function readMessage(parse: Parse, bytes: Buffer): Message | Promise<Message> {
  let value: unknown
  try {
    value = parse(bytes)
  } catch (cause) {
    throw unreadable(cause)
  }
  if (!(value instanceof Promise)) return shaped(value)
  return value.then(shaped, (cause: unknown) => {
    throw unreadable(cause)
  })
}

/** Carries on with a message at once, or when it has been read. */
export function whenRead<T>(
  message: Message | Promise<Message>,
  take: (message: Message) => T,
): T | Promise<Awaited<T>> {
  return message instanceof Promise ? (message.then(take) as Promise<Awaited<T>>) : take(message)
}

function shaped(value: unknown): Message {
  if (!isRecord(value) || value['jsonrpc'] !== '2.0') throw malformed('not a JSON-RPC message')
  if ('method' in value) checkCall(value)
  else checkResponse(value)
  return value as unknown as Message
}

function unreadable(cause: unknown): Fault {
  if (cause instanceof Fault && cause.code.startsWith('upstream.')) return cause
  return new Fault('upstream.malformed', { reason: cause instanceof Fault ? cause.code : 'not JSON' }, { cause })
}

function checkCall(value: Record<string, unknown>): void {
  if (typeof value['method'] !== 'string') throw malformed('method')
  if (value['params'] !== undefined && !isRecord(value['params'])) throw malformed('params')
  if ('result' in value || 'error' in value) throw malformed('request and response at once')
  if (isCumbersome(value['params'])) throw malformed('too many parameters')
  if ('id' in value && !isId(value['id'])) throw malformed('id')
}

function checkResponse(value: Record<string, unknown>): void {
  const { result, error } = value
  if ((result === undefined) === (error === undefined)) throw malformed('neither result nor error')
  if (error === undefined) {
    if (!isRecord(result)) throw malformed('result')
    if (isCumbersome(result)) throw malformed('too many members of the result')
  } else if (!isRecord(error) || !Number.isSafeInteger(error['code']) || typeof error['message'] !== 'string') {
    throw malformed('error')
  }
}

/** Both are copied on their way; what they hold may be large. */
const isCumbersome = (container: unknown): boolean =>
  isWide(container) || (isRecord(container) && bulkOf(container['_meta']) !== undefined)

const isId = (id: unknown): id is Id => typeof id === 'string' || Number.isSafeInteger(id)

/** The fault for an answer that breaks the protocol; `reason` is for the audit record. */
export const malformed = (reason: string): Fault => new Fault('upstream.malformed', { reason })

/** Gives a response the caller's id again. */
export function withId(response: Response, id: Id): Response {
  ;(response as { id: Id }).id = id
  return response
}

/** The progress token of a notification, or undefined when it is none of progress. */
export function progressTokenOf(message: Notification): unknown {
  return message.method === 'notifications/progress' ? message.params?.['progressToken'] : undefined
}

/** Parameters that go out under our own progress token, so that two callers' tokens cannot be taken for each other. */
export function withOwnToken(params: Params, token: Id): Params {
  return { ...params, _meta: { ...(params['_meta'] as Params), progressToken: token } }
}

/** The caller's progress token, or undefined when it asked for no progress. */
export function callerTokenOf(params: Params): unknown {
  const meta = params['_meta']
  return isRecord(meta) ? meta['progressToken'] : undefined
}

/** Gives a progress notification the caller's token again. */
export function withProgressToken(message: Notification, token: unknown): Notification {
  ;(message.params as { progressToken: unknown }).progressToken = token
  return message
}

/** The id that a message of a subscription carries (MCP 2026-07-28, "Subscriptions"). */
export function subscriptionIdOf(container: unknown): unknown {
  const meta = isRecord(container) ? container['_meta'] : undefined
  return isRecord(meta) ? meta[META.subscriptionId] : undefined
}

/** Puts the caller's id in the place of ours, in `params` of a notification or in `result`. */
export function withSubscriptionId(container: unknown, id: Id): void {
  const meta = isRecord(container) ? container['_meta'] : undefined
  if (isRecord(meta) && META.subscriptionId in meta) meta[META.subscriptionId] = id
}
