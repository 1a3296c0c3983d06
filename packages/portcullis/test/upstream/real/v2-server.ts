import { pathToFileURL } from 'node:url'
import { inputRequired, McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'

/** An upstream on the official SDK v2, which speaks both eras: over HTTP inside a test, over stdio as a child process. */
export function v2Server(): McpServer {
  const server = new McpServer({ name: 'v2', version: '1' }, { capabilities: { tools: { listChanged: true } } })
  const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })
  server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, (args) => text(args.text))
  server.registerTool('progress', { inputSchema: z.object({}) }, async (_args, ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken
    for (const progress of [1, 2, 3]) {
      if (progressToken !== undefined) {
        await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress } })
      }
    }
    return text('done')
  })
  server.registerTool('confirm', { inputSchema: z.object({}) }, (_args, ctx) => {
    const answer = ctx.mcpReq.inputResponses?.['sure']
    if (answer !== undefined) return text(JSON.stringify(answer))
    const params = {
      mode: 'form' as const,
      message: 'Sure?',
      requestedSchema: { type: 'object' as const, properties: {} },
    }
    return inputRequired({ inputRequests: { sure: inputRequired.elicit(params) }, requestState: 'state-1' })
  })
  server.registerTool('hang', { inputSchema: z.object({}) }, () => new Promise<never>(() => {}))
  server.registerTool('grow', { inputSchema: z.object({}) }, () => {
    server.registerTool(`grown-${Date.now()}`, { inputSchema: z.object({}) }, () => text('new'))
    return text('grown')
  })
  return server
}

if (import.meta.url === pathToFileURL(process.argv[1] as string).href) serveStdio(() => v2Server())
