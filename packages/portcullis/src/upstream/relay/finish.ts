import type { Answer } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import { ASKING_METHODS } from '../../mcp/methods.ts'
import { statusOf, toModern, toModernError, urlElicitations } from '../../mcp/bridge.ts'
import { declaredCapabilities } from '../../mcp/envelope.ts'
import { type Forms, formsOf } from '../../mcp/forms.ts'
import {
  type ErrorResponse,
  isError,
  isRecord,
  type Params,
  type Response,
  type ResultResponse,
} from '../../mcp/message.ts'
import { META } from '../../mcp/meta.ts'
import { renameResult } from '../../mcp/naming.ts'
import { problemOfAsk } from '../../mcp/police.ts'
import type { Upstream } from '../upstream.ts'
import { senderOf } from './earlier-answers.ts'
import { type Admitted, answer, idOf, namingOf, type RelayParts } from './parts.ts'

/** Turns an upstream's response into the answer of a modern client. `asks`: what the upstream has asked for waits here, not in the state. */
export function finishModern(
  parts: RelayParts,
  exchange: Admitted,
  upstream: Upstream,
  told: Response,
  asks: 'sealed' | 'parked' = 'sealed',
): Answer {
  if (isError(told)) return modernError(told)
  const response = identified(upstream, told)
  const { result } = response
  if (result['resultType'] === 'input_required') {
    if (!ASKING_METHODS.has(exchange.call.method)) throw malformed('input_required', exchange)
    return answer({ ...response, result: sealed(parts, exchange, upstream, result, asks) })
  }
  if (result['resultType'] === 'task') bindTask(parts, exchange, upstream, result)
  return answer(renamed(exchange, upstream, result['cacheScope'] === 'public' ? ownOnly(response) : response))
}

/** What a server may be called; its configured name until something is known. */
export const identityOf = ({ name, server }: Upstream): Params => server?.serverInfo ?? { name, version: '0' }

/**
 * The result with the identity that was judged, whatever it says itself: what waits for approval must not come in by the
 * side. The very same object when that is what it says, or when it says nothing.
 */
export function identified<R extends Response>(upstream: Upstream, response: R): R {
  if (isError(response)) return response
  const { result } = response
  const meta = result['_meta']
  if (!isRecord(meta) || meta[META.serverInfo] === undefined) return response
  const identity = identityOf(upstream)
  if (isAlike(meta[META.serverInfo], identity)) return response
  return { ...response, result: { ...result, _meta: { ...meta, [META.serverInfo]: identity } } }
}

/** Of texts and nothing else; whatever is deeper counts as another one. */
function isAlike(told: unknown, identity: Params): boolean {
  if (!isRecord(told)) return false
  const members = Object.keys(told)
  return members.length === Object.keys(identity).length && members.every((member) => told[member] === identity[member])
}

/** An error as a modern client may see it, with the HTTP status that belongs to it. */
export function modernError(response: ErrorResponse): Answer {
  const error = toModernError(response)
  return answer(error, statusOf(error))
}

/**
 * What one principal may read another may not, so no cache may serve it to anybody else, whatever the upstream thinks,
 * which knows nothing of our policy (MCP "Caching").
 */
const ownOnly = (response: ResultResponse): Response => ({
  ...response,
  result: { ...response.result, cacheScope: 'private' },
})

const malformed = (resultType: string, { call }: Admitted): Fault =>
  new Fault('upstream.malformed', { problem: `${resultType} in answer to ${call.method}` })

/** An `input_required` result that may be shown: only what this request declared is asked, and the state is sealed. */
function sealed(
  parts: RelayParts,
  exchange: Admitted,
  upstream: Upstream,
  result: Params,
  asks: 'sealed' | 'parked',
): Params {
  const { call, principal } = exchange
  const capabilities = declaredCapabilities(call.params)
  const requests = isRecord(result['inputRequests']) ? result['inputRequests'] : {}
  for (const [key, request] of Object.entries(requests)) {
    const method = isRecord(request) ? request['method'] : undefined
    const params = isRecord(request) && isRecord(request['params']) ? request['params'] : {}
    const problem = problemOfAsk(method, params, capabilities)
    if (problem !== undefined) throw new Fault('upstream.malformed', { key, problem })
  }
  const state = typeof result['requestState'] === 'string' ? result['requestState'] : undefined
  const forms = asks === 'sealed' ? formsFor(parts, exchange, upstream, requests) : undefined
  if (state === undefined && forms === undefined) return result
  const inner = {
    upstream: upstream.name,
    ...(state !== undefined && { state }),
    ...(forms && { forms }),
    ...parts.carry?.(exchange),
  }
  return { ...result, requestState: parts.seal.seal(inner, principal, call.method, call.params) }
}

/** A longer state would be refused by whoever stands between; then answers are masked, and not held against their forms. */
const MAX_FORMS = 16_384

function formsFor(
  { protect }: RelayParts,
  exchange: Admitted,
  upstream: Upstream,
  requests: Params,
): Forms | undefined {
  if (protect?.masks(senderOf(exchange, upstream)) !== true) return undefined
  const forms = formsOf(requests)
  return forms !== undefined && JSON.stringify(forms).length <= MAX_FORMS ? forms : undefined
}

/** A legacy upstream's response for a modern client. Throws `message.missing_capability` when it demands a link. */
export function modernised(exchange: Admitted, upstream: Upstream, response: Response): Response {
  const urls = urlElicitations(response)
  if (urls === undefined) return toModern(exchange.call.method, response, identityOf(upstream))
  mustDeclareUrls(exchange)
  return { jsonrpc: '2.0', id: idOf(exchange), result: { resultType: 'input_required', inputRequests: urls } }
}

function mustDeclareUrls({ call }: Admitted): void {
  const { elicitation } = declaredCapabilities(call.params)
  if (isRecord(elicitation) && isRecord(elicitation['url'])) return
  const data = { requiredCapabilities: { elicitation: { url: {} } } }
  throw new Fault('message.missing_capability', { capability: 'elicitation.url' }, { data })
}

function bindTask(parts: RelayParts, exchange: Admitted, upstream: Upstream, result: Params): void {
  const nested = isRecord(result['task']) ? result['task']['taskId'] : undefined
  const taskId = result['taskId'] ?? nested
  if (typeof taskId !== 'string') throw new Fault('upstream.malformed', { problem: 'a task without an id' })
  parts.tasks.bind(taskId, exchange.principal, upstream.name)
}

/** The response with the resource URIs of the path that the client uses. */
export function renamed(exchange: Admitted, upstream: Upstream, response: Response): Response {
  if (isError(response) || exchange.route.kind === 'upstream') return response
  return { ...response, result: renameResult(response.result, namingOf(exchange, upstream.name)) }
}
