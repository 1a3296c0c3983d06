import { createHash } from 'node:crypto'
import { Cancellation } from '../../src/core/cancellation.ts'
import type { Exchange } from '../../src/core/exchange.ts'
import type { Parsed } from '../../src/mcp/call.ts'
import type { Resolved, ToolDefinition } from '../../src/mcp/definition.ts'
import type { Params } from '../../src/mcp/message.ts'

export function toolWith(inputSchema: Params, outputSchema?: Params): ToolDefinition {
  const raw = { name: 'tool', inputSchema, ...(outputSchema && { outputSchema }) }
  const digest = createHash('sha256').update(JSON.stringify(raw)).digest('hex')
  return { upstream: 'files', name: 'tool', inputSchema, ...(outputSchema && { outputSchema }), raw, digest }
}

export function callOf(tool: ToolDefinition | undefined, params: Params): Exchange & Parsed & Resolved {
  const message = { jsonrpc: '2.0', id: 7, method: 'tools/call', params } as const
  return {
    incident: 'incident',
    receivedAt: 0,
    peer: { address: '127.0.0.1', encrypted: true },
    head: { method: 'POST', path: '/mcp', query: '', headers: {} },
    body: { read: () => Buffer.alloc(0) },
    outlet: { send: () => {}, open: () => {} },
    departure: new Cancellation(),
    item: { kind: 'tool', name: 'tool' },
    call: {
      message,
      kind: 'request',
      era: 'modern',
      version: '2026-07-28',
      method: message.method,
      params,
      target: { kind: 'tool', name: 'tool' },
    },
    ...(tool !== undefined && { tool }),
  }
}
