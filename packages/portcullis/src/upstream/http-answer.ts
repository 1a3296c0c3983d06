import { Fault } from '../core/fault.ts'
import { type Id, isError, isResponse, type Message, type Response } from '../mcp/message.ts'
import type { BufferedResponse } from './http-response.ts'
import { malformed, readMessage, whenRead, withId } from './incoming.ts'
import type { Parse } from './link.ts'

/**
 * What a whole HTTP response says about a request: its JSON-RPC response, or the fault of an upstream that has none.
 * A promise when the text is large. An upstream's 401 and 403 concern the gateway's own credential, so neither status nor
 * challenge reaches the client.
 */
export function answerOf(http: BufferedResponse, parse: Parse, ownId: Id, callerId: Id): Response | Promise<Response> {
  const { status, body } = http
  if (status === 401 || status === 403 || (status >= 300 && status < 400)) throw refused(http)
  const isJson = isJsonType(http.headers['content-type']) && http.headers['content-encoding'] === undefined
  if (status >= 400) {
    if (!isJson || body.length === 0) throw refused(http)
    return errorOf(http, parse, ownId).then((error) => withId(error, callerId))
  }
  if (!isJson) throw malformed(`status ${status} without JSON`)
  return whenRead(readMessage(parse, body), (message) => {
    if (!isResponse(message) || message.id !== ownId) throw malformed('not the response to this request')
    return withId(message, callerId)
  })
}

/** A status of 4xx or 5xx may carry the error that explains it, with our id or without one when ours was unreadable. */
async function errorOf(http: BufferedResponse, parse: Parse, ownId: Id): Promise<Response> {
  const message = await readMessageOrRefuse(http, parse)
  if (!isResponse(message) || !isError(message)) throw refused(http)
  if (message.id !== ownId && message.id !== undefined && message.id !== null) {
    throw malformed('not the response to this request')
  }
  return message
}

async function readMessageOrRefuse(http: BufferedResponse, parse: Parse): Promise<Message> {
  try {
    return await readMessage(parse, http.body)
  } catch (cause) {
    throw refused(http, cause)
  }
}

/** The fault for a response that carries no JSON-RPC message. */
export function refused(http: BufferedResponse, cause?: unknown): Fault {
  const retryAfter = http.headers['retry-after']
  const detail = { status: http.status, ...(typeof retryAfter === 'string' && { retryAfter }) }
  return new Fault('upstream.unavailable', detail, cause === undefined ? {} : { cause })
}

const isJsonType = (type: string | string[] | undefined): boolean =>
  typeof type === 'string' && (type === 'application/json' || /^application\/json\s*(?:;|$)/i.test(type))
