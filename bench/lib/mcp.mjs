// The few MCP requests that the bench itself sends: opening sessions, and one call to see that a target answers.
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** Status, headers and text of one POST to the target; status 0 if nobody answered. */
export function post(target, message, headers = {}) {
  const token = target.tokens?.[0]
  const options = {
    host: '127.0.0.1',
    port: target.port,
    path: target.path ?? '/mcp',
    method: 'POST',
    rejectUnauthorized: false,
    agent: false,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
  }
  return new Promise((resolve) => {
    const request = (target.tls ? httpsRequest : httpRequest)(options, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() }),
      )
    })
    request.on('error', () => resolve({ status: 0, headers: {}, text: '' }))
    request.end(JSON.stringify(message))
  })
}

/** One call of echo in the era of the target, in a session if it has them. */
export function callEcho(target) {
  const modern = target.era !== 'legacy'
  const params = { name: 'echo', arguments: { text: 'hello' }, ...(modern && { _meta: META }) }
  return post(target, { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, callHeaders(target, modern))
}

function callHeaders(target, modern) {
  if (modern) return { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }
  const session = target.sessionIds?.[0]
  return { 'mcp-protocol-version': '2025-11-25', ...(session !== undefined && { 'mcp-session-id': session }) }
}

/** Opens `count` sessions of the 2025 revisions and answers their ids. */
export async function openSessions(target, count) {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } }
  const ids = []
  for (let index = 0; index < count; index++) {
    const { headers, status } = await post(target, { jsonrpc: '2.0', id: 1, method: 'initialize', params })
    const id = headers['mcp-session-id']
    if (id === undefined) throw new Error(`${target.name} opened no session (status ${status})`)
    const session = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' }
    await post(target, { jsonrpc: '2.0', method: 'notifications/initialized' }, session)
    ids.push(id)
  }
  return ids
}

/** The request that opens an idle stream: headers and body of a `subscriptions/listen`. */
export function listenRequest(target) {
  const params = { notifications: { toolsListChanged: true }, _meta: META }
  const token = target.tokens?.[0]
  return {
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params }),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
  }
}
