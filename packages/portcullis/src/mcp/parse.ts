import { bulkOf, isWide } from '../core/bulk.ts'
import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Call, Parsed } from './call.ts'
import { checkEnvelope, eraOfRequest } from './envelope.ts'
import { checkStandardHeaders } from './headers.ts'
import { type Era, isRecord, type Message, type Params } from './message.ts'
import { methodOf, targetOf } from './methods.ts'
import { ASSUMED_VERSION, isLegacyVersion, MODERN_VERSION, SUPPORTED_VERSIONS } from './versions.ts'

const MEMBERS: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params', 'result', 'error'])
/** Parameters that decide something. A parser that ignores case (CVE-2026-27896) must not read another one than we do. */
const DECIDING: ReadonlySet<string> = new Set([
  'name',
  'arguments',
  'uri',
  '_meta',
  'taskId',
  'requestState',
  'inputResponses',
  'cursor',
  'ref',
])
/** Such a parser may fold the long s and the Kelvin sign too, so the way leads over capitals (Unicode simple folding). */
const folded = (name: string): string => name.toUpperCase().toLowerCase()
const LOOK_ALIKES: ReadonlySet<string> = new Set([...DECIDING].map(folded))
const EMPTY: Params = {}

/**
 * Check `mcp.parse`: bytes → one message whose era, method and target are known.
 * `parse` is the strict JSON parser, which returns a promise for a large text. Nothing after this stage looks at the bytes.
 */
export function parseMessage(parse: (bytes: Buffer) => unknown): Check<Exchange & { readonly bytes: Buffer }, Parsed> {
  return {
    name: 'mcp.parse',
    check: (exchange) => {
      const value = parse(exchange.bytes)
      const understand = (read: unknown): Parsed => ({ call: callOf(shapeOf(read), exchange.head.headers) })
      return value instanceof Promise ? value.then(understand) : understand(value)
    },
  }
}

/** Tells the id of a message for which a fault is about to be answered, so that the error can carry it. */
export class UnreadableCall extends Fault {
  id: string | number | undefined
}

function shapeOf(value: unknown): Message {
  if (Array.isArray(value)) throw new Fault('message.batch')
  if (!isRecord(value) || value['jsonrpc'] !== '2.0' || isWide(value)) throw new Fault('message.invalid')
  for (const member in value) {
    if (!MEMBERS.has(member))
      throw new Fault('message.invalid', { member }, { says: 'The message has an unknown member.' })
  }
  return value as unknown as Message
}

function callOf(message: Message, headers: Headers): Call {
  try {
    return 'method' in message ? clientCall(message, headers) : clientResponse(message, headers)
  } catch (thrown) {
    throw withId(thrown, message)
  }
}

type Headers = Exchange['head']['headers']

function clientCall(message: Message, headers: Headers): Call {
  const method = message['method']
  const params = message['params'] ?? EMPTY
  const isRequest = 'id' in message
  if (typeof method !== 'string' || 'result' in message || 'error' in message) throw new Fault('message.invalid')
  if (!isRecord(params)) throw new Fault('message.invalid_params', {}, { says: 'params must be an object.' })
  if (isRequest && !isId(message['id']))
    throw new Fault('message.invalid', {}, { says: 'id must be a string or an integer.' })
  refuseBulk(method, params)
  refuseLookAlikes(params)
  const era = eraOfRequest(method, params, headers)
  const version = era === 'modern' ? checkEnvelope(params, headers, isRequest) : legacyVersion(headers)
  const entry = methodOf(method, era)
  if (entry === undefined || (entry.kind === 'request') !== isRequest)
    throw new Fault('message.unknown_method', { method })
  if (era === 'modern' && isRequest) checkStandardHeaders(headers, method, params, version)
  const target = targetOf(entry, params)
  if (target === undefined) {
    throw new Fault('message.invalid_params', { method }, { says: `params.${entry.target?.param} names nothing.` })
  }
  return { message, kind: isRequest ? 'request' : 'notification', era, version, method, params, target }
}

/** Modern clients never send responses (MCP 2026-07-28, "Sending Messages"). */
function clientResponse(message: Message, headers: Headers): Call {
  const hasResult = isRecord(message['result'])
  const hasError = isRecord(message['error'])
  if (hasResult === hasError || !isId(message['id'])) throw new Fault('message.invalid')
  if (isWide(message['result'])) throw new Fault('message.too_large', { ...bulkOf(message['result']) })
  const version = headers['mcp-protocol-version'] === MODERN_VERSION ? MODERN_VERSION : legacyVersion(headers)
  if (version === MODERN_VERSION) throw new Fault('message.invalid', {}, { says: 'Responses are not accepted here.' })
  const era: Era = 'legacy'
  return { message, kind: 'response', era, version, method: '', params: EMPTY, target: { kind: 'none' } }
}

const isId = (id: unknown): id is string | number => typeof id === 'string' || Number.isSafeInteger(id)

/** What is copied or compared on the way of a message has to be small; arguments may be large. */
function refuseBulk(method: string, params: Params): void {
  const part = isWide(params) || method === 'initialize' ? params : params['_meta']
  if (bulkOf(part) !== undefined) throw new Fault('message.too_large', { method, ...bulkOf(part) })
}

function refuseLookAlikes(params: Params): void {
  for (const name in params) {
    if (!DECIDING.has(name) && LOOK_ALIKES.has(folded(name))) throw new Fault('message.forbidden_name', { name })
  }
}

function legacyVersion(headers: Headers): string {
  const version = headers['mcp-protocol-version']
  if (version === undefined) return ASSUMED_VERSION
  if (typeof version === 'string' && isLegacyVersion(version)) return version
  throw new Fault(
    'message.unsupported_version',
    { version },
    { data: { supported: SUPPORTED_VERSIONS, requested: version } },
  )
}

/** Errors carry the id whenever it could be read (MCP "Error Codes"). */
function withId(thrown: unknown, message: Message): unknown {
  if (!(thrown instanceof Fault) || !isId(message['id'])) return thrown
  const fault = new UnreadableCall(thrown.code, thrown.detail, thrown.options)
  fault.id = message['id']
  return fault
}
