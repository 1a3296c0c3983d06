import { type ErrorResponse, isError, isRecord, type Params, type Response } from './message.ts'
import { META } from './meta.ts'

/**
 * Answers of one era in the form of the other. Requests need no such translation: what differs there is the envelope
 * and who keeps the session.
 */

const CACHED: ReadonlySet<string> = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
])

/** Codes of the 2025 revisions and what says the same since: not found, and elicitation demanded without its links. */
const REPLACED: ReadonlyMap<number, number> = new Map([
  [-32002, -32602],
  [-32042, -32603],
])

/** A legacy upstream's answer for a modern client: result type, cache hints and error codes of 2026-07-28. */
export function toModern(method: string, response: Response, serverInfo: Params): Response {
  if (isError(response)) return toModernError(response)
  const meta = isRecord(response.result['_meta']) ? response.result['_meta'] : {}
  return {
    ...response,
    result: {
      ...response.result,
      resultType: 'complete',
      ...(CACHED.has(method) && { ttlMs: 0, cacheScope: 'private' }),
      _meta: { ...meta, [META.serverInfo]: serverInfo },
    },
  }
}

/** An error as a modern client may see it: -32002 and -32042 must not be sent to one (MCP 2026-07-28, "Error Codes"). */
export function toModernError(response: ErrorResponse): ErrorResponse {
  const code = REPLACED.get(response.error.code)
  return code === undefined ? response : { ...response, error: { ...response.error, code } }
}

/** A modern upstream's answer for a legacy client, which knows neither result types nor cache hints. */
export function toLegacy(response: Response): Response {
  if (isError(response)) return response
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, ...result } = response.result
  return { ...response, result }
}

/** Capabilities of a server of one era that mean something to a client of the other, or that the gateway lets through. */
export function bridgedCapabilities(capabilities: Params, sameEra: boolean): Params {
  const { tasks: _tasks, ...known } = capabilities
  if (sameEra) return known
  const { extensions: _extensions, experimental: _experimental, ...common } = known
  return common
}

/** HTTP status of a JSON-RPC answer to a modern client (MCP 2026-07-28, "Error Codes" and Streamable HTTP). */
export function statusOf(response: Response): number {
  if (!isError(response)) return 200
  const { code } = response.error
  if (code === -32601) return 404
  return code === -32020 || code === -32021 || code === -32022 ? 400 : 200
}

/**
 * URL elicitations that a 2025-11-25 upstream demands by error -32042, as the requests of an `input_required` result;
 * undefined when it demands none.
 */
export function urlElicitations(response: Response): Readonly<Record<string, Params>> | undefined {
  if (!isError(response) || response.error.code !== -32042) return undefined
  const data = response.error.data
  const list = isRecord(data) && Array.isArray(data['elicitations']) ? (data['elicitations'] as unknown[]) : []
  const requests: Record<string, Params> = {}
  for (const [index, item] of list.entries()) {
    if (!isRecord(item)) continue
    const { elicitationId: _id, ...params } = item
    requests[`url-${index + 1}`] = { method: 'elicitation/create', params: { ...params, mode: 'url' } }
  }
  return Object.keys(requests).length > 0 ? requests : undefined
}
