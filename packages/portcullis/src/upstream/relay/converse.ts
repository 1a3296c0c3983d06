import { randomUUID } from 'node:crypto'
import type { Cancellation } from '../../core/cancellation.ts'
import { Fault } from '../../core/fault.ts'
import { isError, isRecord, type Params, type Request, type Response } from '../../mcp/message.ts'
import { META } from '../../mcp/meta.ts'
import { MODERN_VERSION } from '../../mcp/versions.ts'
import type { Link, LinkEvents, LinkRequest } from '../link.ts'
import type { Session } from './session.ts'

/** Rounds after which an upstream that keeps asking is given up. */
const MAX_ROUNDS = 16

/**
 * Lets a legacy client use a modern upstream: each `input_required` result becomes questions on the client's stream, and
 * the request is repeated with the answers until the upstream completes it (MCP 2026-07-28 MRTR).
 */
export async function converse(
  link: Link,
  request: LinkRequest,
  session: Session,
  events: LinkEvents,
  cancellation: Cancellation,
): Promise<Response> {
  let params = enveloped(request.params, session)
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const response = await link.request({ ...request, params }, events, cancellation)
    if (isError(response) || isFinal(response.result['resultType'])) return response
    const { inputRequests, requestState } = response.result
    const inputResponses = await askAll(isRecord(inputRequests) ? inputRequests : {}, events)
    params = {
      ...enveloped(request.params, session),
      inputResponses,
      ...(requestState !== undefined && { requestState }),
    }
  }
  throw new Fault('upstream.malformed', { problem: 'too many rounds of input_required', rounds: MAX_ROUNDS })
}

/** Whether a result ends the call. A legacy client could not use what is neither final nor a question, such as a task. */
function isFinal(resultType: unknown): boolean {
  if (resultType === undefined || resultType === 'complete') return true
  if (resultType === 'input_required') return false
  throw new Fault('upstream.malformed', { problem: 'a result type that was not asked for', resultType })
}

/** The envelope that a modern upstream needs, from what the legacy client said in `initialize`. */
export function enveloped(params: Params, session: Session): Params {
  const meta = isRecord(params['_meta']) ? params['_meta'] : {}
  return {
    ...params,
    _meta: {
      ...meta,
      [META.version]: MODERN_VERSION,
      [META.clientInfo]: session.client.info,
      [META.clientCapabilities]: modernCapabilities(session.client.capabilities),
      ...(session.logLevel !== undefined && { [META.logLevel]: session.logLevel }),
    },
  }
}

/** Tasks of the 2025 revisions and of the extension have nothing in common but their name. */
function modernCapabilities({ tasks: _tasks, extensions, ...common }: Params): Params {
  if (!isRecord(extensions)) return common
  const { 'io.modelcontextprotocol/tasks': _extension, ...others } = extensions
  return { ...common, extensions: others }
}

async function askAll(requests: Params, events: LinkEvents): Promise<Params> {
  const entries = await Promise.all(
    Object.entries(requests).map(async ([key, value]) => {
      const { method, params } = isRecord(value) ? value : {}
      const asked = legacyQuestion(isRecord(params) ? params : {})
      const question: Request = { jsonrpc: '2.0', id: key, method: String(method), params: asked }
      const response = await events.ask(question)
      if (isError(response)) throw new Fault('upstream.unsupported', { problem: response.error.message })
      return [key, response.result] as const
    }),
  )
  return Object.fromEntries(entries)
}

/** A link to open has an id in the 2025 revisions (2025-11-25 elicitation, "URL Mode"); nobody refers to it. */
const legacyQuestion = (params: Params): Params =>
  params['mode'] === 'url' && params['elicitationId'] === undefined
    ? { ...params, elicitationId: randomUUID() }
    : params
