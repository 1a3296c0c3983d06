// A server of the first SDK generation over HTTP: sessions, and questions to its client in the middle of a call.

import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'

export interface RunningServer {
  readonly url: string
  close(): Promise<void>
}

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })

function create(): McpServer {
  const server = new McpServer({ name: 'v1-server', version: '1.0.0' }, { capabilities: { logging: {} } })
  server.registerTool('hello', { description: 'Greets' }, () => text('hello'))
  server.registerTool('elicit_twice', { description: 'Asks two forms, one after the other' }, async () => {
    const ask = (property: string) =>
      server.server.elicitInput({
        message: `Your ${property}?`,
        requestedSchema: { type: 'object', properties: { [property]: { type: 'string' } }, required: [property] },
      })
    const first = await ask('name')
    const second = await ask('color')
    return text([first.action, second.action].join(' '))
  })
  server.registerTool('sample', { description: 'Has the client sample' }, async () => {
    const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: 'Capital of France?' } }]
    const { content } = await server.server.createMessage({ messages, maxTokens: 5 })
    return text(JSON.stringify(content))
  })
  server.registerTool('roots', { description: 'Counts the roots' }, async () =>
    text(`${(await server.server.listRoots()).roots.length} root(s)`),
  )
  server.registerResource('doc', 'doc://one', {}, (uri) => ({ contents: [{ uri: uri.href, text: 'one' }] }))
  return server
}

/** Listens on a free loopback port, one server for each session. */
export async function startV1Server(): Promise<RunningServer> {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const server = createServer(async (request, response) => {
    const known = sessions.get(String(request.headers['mcp-session-id']))
    if (known !== undefined) return known.handleRequest(request, response)
    if (request.headers['mcp-session-id'] !== undefined || request.method !== 'POST') {
      response.writeHead(404).end()
      return
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    await create().connect(transport)
    await transport.handleRequest(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async close() {
      for (const transport of sessions.values()) await transport.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
