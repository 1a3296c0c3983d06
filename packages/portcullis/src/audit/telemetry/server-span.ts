/** What the span of a request says of it, in the words of the MCP conventions of OpenTelemetry. Arguments and results are not among them. */
import type { Answer } from '../../core/exchange.ts'
import type { Principal } from '../../core/principal.ts'
import type { Call } from '../../mcp/call.ts'
import { isRecord } from '../../mcp/message.ts'
import type { CallTrace } from './call-trace.ts'
import type { AttributeValues } from './otlp-value.ts'
import type { Traced } from './traced.ts'

/** How people and tenants are told: each undefined where they are not. */
export interface IdentityWords {
  readonly principal: (principal: Principal) => string | undefined
  readonly tenant: (tenant: string) => string | undefined
}

const MAX_TEXT_LENGTH = 256
/** A caller may choose any text for an id; what looks like one is told. */
const PLAIN_ID = /^[\w.:-]{1,64}$/

/** `{mcp.method.name} {tool or prompt}`; only names that are known to exist, so that nobody can invent them. */
export function serverName(exchange: Traced): string {
  const { call, head } = exchange
  if (call === undefined) return head.method
  const named = nameOf(exchange)
  const method = call.kind === 'response' ? 'response' : call.method
  return named === undefined ? method : `${method} ${named}`
}

/** `error.type` is there exactly when something went wrong. */
export function serverAttributes(
  exchange: Traced,
  answer: Answer,
  trace: CallTrace,
  identity: IdentityWords,
): AttributeValues {
  const { call, principal, route, incident, head, peer } = exchange
  const upstream = (route?.kind === 'upstream' ? route.upstream : undefined) ?? exchange.upstream
  return {
    'error.type': trace.fault ?? errorTypeOf(answer),
    ...(call && callAttributes(call, exchange)),
    'rpc.response.status_code': rpcStatusOf(answer),
    'http.request.method': head.method,
    'http.response.status_code': answer.status,
    'network.transport': 'tcp',
    'network.protocol.name': 'http',
    'portcullis.incident': incident,
    'portcullis.upstream': upstream,
    'portcullis.route': route?.kind,
    'portcullis.tls': peer.encrypted,
    'portcullis.tenant': principal && identity.tenant(principal.tenant),
    'user.id': principal && identity.principal(principal),
    'portcullis.credential': principal?.credential.kind,
    'portcullis.stages.untold': trace.untold === 0 ? undefined : trace.untold,
  }
}

function callAttributes(call: Call, exchange: Traced): AttributeValues {
  const named = nameOf(exchange)
  return {
    'mcp.method.name': call.method === '' ? undefined : call.method,
    'mcp.protocol.version': call.version,
    'gen_ai.operation.name': call.method === 'tools/call' ? 'execute_tool' : undefined,
    'gen_ai.tool.name': call.method === 'tools/call' ? named : undefined,
    'gen_ai.prompt.name': call.method === 'prompts/get' ? named : undefined,
    'jsonrpc.request.id': requestIdOf(call),
  }
}

/** A tool that has a definition, or a prompt of an upstream that has answered. */
function nameOf({ call, tool, item }: Traced): string | undefined {
  if (tool !== undefined) return tool.name.slice(0, MAX_TEXT_LENGTH)
  return call?.method === 'prompts/get' && item?.kind === 'prompt' ? promptName(item.name) : undefined
}

/** Prompts have no definitions here, so that a name is told only when it looks like one. */
const promptName = (name: string): string | undefined => (PLAIN_ID.test(name) ? name : undefined)

function requestIdOf({ kind, message }: Call): string | undefined {
  if (kind !== 'request') return undefined
  const { id } = message as { readonly id: string | number }
  return typeof id === 'number' || PLAIN_ID.test(id) ? String(id) : undefined
}

function rpcStatusOf({ message }: Answer): string | undefined {
  const error = message?.['error']
  return isRecord(error) && typeof error['code'] === 'number' ? String(error['code']) : undefined
}

/** `tool_error` for a tool that says so itself (MCP conventions of OpenTelemetry, `error.type`). */
export function errorTypeOf(answer: Answer): string | undefined {
  const result = answer.message?.['result']
  if (isRecord(result) && result['isError'] === true) return 'tool_error'
  return rpcStatusOf(answer) ?? (answer.status >= 500 ? String(answer.status) : undefined)
}
