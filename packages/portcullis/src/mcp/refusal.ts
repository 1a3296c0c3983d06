import type { Answer, Exchange, Outgoing } from '../core/exchange.ts'
import { FAULTS, type Fault, type FaultCode, type FaultLink, type FaultQuestion } from '../core/fault.ts'
import type { Parsed } from './call.ts'
import type { Id } from './message.ts'
import { UnreadableCall } from './parse.ts'
import { MODERN_VERSION } from './versions.ts'

/** The only place where a fault becomes an answer. `says` and `data` go out; `detail` and `cause` do not. */
export function answerOf(fault: Fault, exchange: Exchange & Partial<Parsed>): Answer {
  const { status, rpc } = FAULTS[fault.code]
  const id = idOf(fault, exchange)
  const headers = fault.options.headers
  if (fault.options.link !== undefined && id !== undefined && fault.options.link.as !== 'words')
    return linkAnswer(id, fault.options.link, fault, exchange)
  const { question } = fault.options
  if (question !== undefined && id !== undefined) return questionAnswer(id, question)
  const asResult = id !== undefined && isToolError(fault.code, exchange)
  const message = asResult ? toolError(id, fault, exchange) : rpcError(id, rpc, fault, exchange)
  return { status: statusFor(fault.code, status, exchange), message, ...(headers && { headers }) }
}

/** Asks a person a question of the gateway's own: an `input_required` result (MCP 2026-07-28 MRTR). */
function questionAnswer(id: Id, { key, params, state }: FaultQuestion): Answer {
  const inputRequests = { [key]: { method: 'elicitation/create', params } }
  const result = { resultType: 'input_required', inputRequests, requestState: state }
  return { status: 200, message: { jsonrpc: '2.0', id, result } }
}

/** Asks a person to open a page: an `input_required` result (MCP 2026-07-28 MRTR), or error -32042 (2025-11-25 elicitation). */
function linkAnswer(id: Id, link: FaultLink, fault: Fault, exchange: Exchange): Answer {
  const { url, message, state, id: elicitationId } = link
  const params = { mode: 'url', message, url }
  if (link.as === 'input') {
    const inputRequests = { connect: { method: 'elicitation/create', params } }
    const result = { resultType: 'input_required', inputRequests, ...(state !== undefined && { requestState: state }) }
    return { status: 200, message: { jsonrpc: '2.0', id, result } }
  }
  const data = {
    elicitations: [{ ...params, elicitationId }],
    code: fault.code,
    incident: exchange.incident,
  }
  return { status: 200, message: { jsonrpc: '2.0', id, error: { code: -32042, message: fault.says, data } } }
}

const TOOL_ERRORS: ReadonlySet<FaultCode> = new Set(['inspection.refused', 'inspection.not_approved'])

/** Prompts and resources have no results that could say so. */
const isToolError = (code: FaultCode, { call }: Partial<Parsed>): boolean =>
  code.startsWith('arguments.') || (TOOL_ERRORS.has(code) && call?.method === 'tools/call')

/** Arguments that do not validate are tool errors, so that a model can mend them (MCP tools, "Error Handling"). */
function toolError(id: Id, fault: Fault, exchange: Exchange & Partial<Parsed>): Outgoing {
  const modern = exchange.call?.era === 'modern'
  return {
    jsonrpc: '2.0',
    id,
    result: {
      ...(modern && { resultType: 'complete' }),
      isError: true,
      content: [{ type: 'text', text: `${fault.says} (incident ${exchange.incident})` }],
      _meta: { 'dev.portcullis/incident': exchange.incident, 'dev.portcullis/code': fault.code },
    },
  }
}

function rpcError(id: Id | undefined, code: number, fault: Fault, exchange: Exchange): Outgoing {
  return {
    jsonrpc: '2.0',
    id: id ?? null,
    error: {
      code,
      message: fault.says,
      data: { ...fault.options.data, code: toldCode(fault.code), incident: exchange.incident },
    },
  }
}

/** Every credential that is not good has one code: whoever tries many must not learn which of them once was (the record tells). */
const toldCode = (code: FaultCode): FaultCode =>
  FAULTS[code].status === 401 && code !== 'identity.missing' ? 'identity.invalid_token' : code

function idOf(fault: Fault, exchange: Partial<Parsed>): Id | undefined {
  if (fault instanceof UnreadableCall) return fault.id
  const id = exchange.call?.kind === 'request' ? exchange.call.message['id'] : undefined
  return typeof id === 'string' || typeof id === 'number' ? id : undefined
}

/**
 * Two statuses mean something else to some clients. A legacy one takes any 404 for the end of its session, so an unknown
 * method is told by its code alone (MCP 2025-11-25 transports, "Session Management"). Any other 4xx than 401, 403 and
 * that of -32022 makes a client take the answer to `server/discover` for that of an old server and silently fall back to
 * the legacy era, so whatever sheds or limits says 503 (measured with the official client; MCP versioning, "Probing").
 */
function statusFor(code: FaultCode, status: number, { call, head }: Exchange & Partial<Parsed>): number {
  const { headers } = head
  if (code === 'message.unknown_method') return headers['mcp-protocol-version'] === MODERN_VERSION ? status : 200
  // What sheds before the message is read has only the header to go by; it decides nothing but this number.
  const probing = call === undefined ? headers['mcp-method'] === 'server/discover' : call.method === 'server/discover'
  return probing && (status === 429 || status === 413) ? 503 : status
}
