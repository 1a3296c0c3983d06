// Requests as they are when the stages of identity and policy meet them: the head as it was sent, the message parsed.
import { RESOURCE, UPSTREAM } from './ground.mjs'

const BODY = { read: () => Buffer.alloc(0) }
const OUTLET = { send() {}, open() {} }
const ADDRESS = '192.0.2.7'

/** A call of a tool; each request is a new one, for stages write their facts into it. */
export function callOf({ headers, certificate }, tool, args) {
  const params = { name: tool.name, arguments: args }
  const target = { kind: 'tool', name: tool.name }
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params }
  return {
    ...entered(headers, certificate),
    call: { message, kind: 'request', era: 'modern', version: '2026-07-28', method: 'tools/call', params, target },
    upstream: UPSTREAM,
    item: target,
    tool,
  }
}

/** A `tools/list`, its caller proved. */
export function listOf(principal) {
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }
  const call = { message, kind: 'request', era: 'modern', version: '2026-07-28', method: 'tools/list', params: {} }
  return { ...entered({}), principal, call: { ...call, target: { kind: 'none' } }, item: { kind: 'none' } }
}

function entered(headers, certificate) {
  return {
    incident: 'incident',
    receivedAt: Date.now(),
    peer: { address: ADDRESS, encrypted: true, ...(certificate && { certificate }) },
    head: { method: 'POST', path: `/mcp/${UPSTREAM}`, query: '', headers },
    body: BODY,
    outlet: OUTLET,
    departure: undefined,
    route: { kind: 'upstream', upstream: UPSTREAM },
    resource: RESOURCE,
  }
}

export const bearer = (credential) => ({ headers: { authorization: `Bearer ${credential}` } })
