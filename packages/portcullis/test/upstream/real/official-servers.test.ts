import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { McpServer as V1Server } from '@modelcontextprotocol/sdk/server/mcp.js'
import { type EventStore, StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { Cancellation } from '../../../src/core/cancellation.ts'
import { systemClock } from '../../../src/core/clock.ts'
import type { Params, Response } from '../../../src/mcp/message.ts'
import { META } from '../../../src/mcp/meta.ts'
import { type Connector, HttpConnector } from '../../../src/upstream/connector.ts'
import { StdioConnector } from '../../../src/upstream/stdio-connector.ts'
import type { LinkRequest } from '../../../src/upstream/link.ts'
import type { EraChoice } from '../../../src/upstream/probe.ts'
import { Upstream } from '../../../src/upstream/upstream.ts'
import { bareProcess, CLIENT, ENVELOPE, GATEWAY, isFault, never, parse, pool, recorder, until } from '../harness.ts'
import { v2Server } from './v2-server.ts'

const open: Array<() => unknown> = []
after(() => Promise.all(open.map((close) => close())))

const V2 = fileURLToPath(new URL('./v2-server.ts', import.meta.url))
type Connectable = Pick<V1Server, 'connect'>
const EVERYTHING = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js')

function upstreamOn(connector: Connector, era: EraChoice = 'auto'): Upstream {
  const upstream = new Upstream({
    name: 'up',
    connector,
    era,
    gateway: GATEWAY,
    gatewayScope: 'gateway',
    owner: 'one',
    clock: systemClock,
    maxLinks: 10,
    idleSeconds: 60,
    ownTimeoutMs: 10_000,
    catalogue: {
      ttlSeconds: 60,
      maxStaleSeconds: 600,
      minRefreshSeconds: 0.01,
      maxPages: 10,
      maxTools: 1_000,
      maxBytes: 1e6,
    },
  })
  open.push(() => upstream.close())
  return upstream
}

function stdio(args: readonly string[]): { connector: Connector; started: string[]; children: ChildProcess[] } {
  const started: string[] = []
  const children: ChildProcess[] = []
  const connector = new StdioConnector({
    spawn: async (scope) => {
      started.push(scope)
      const child = bareProcess(process.execPath, args)
      children.push(child.child)
      return child
    },
    parse,
    gateway: GATEWAY,
    probeTimeoutMs: 10_000,
    startTimeoutMs: 10_000,
    maxWaitingBytes: 1e6,
    maxWaitingMessages: 100,
  })
  return { connector, started, children }
}

async function http(listener: RequestListener): Promise<Connector> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`)
  return new HttpConnector({ pool: pool(url), credentials: {}, parse, maxMessageBytes: 1e6, gateway: GATEWAY })
}

const handler = createMcpHandler(() => v2Server())
const modernHttp = (): Promise<Connector> => http(toNodeHandler(handler) as RequestListener)
const modern = (name: string, args: Params = {}, meta: Params = {}, more: Params = {}): LinkRequest => ({
  id: `call ${name}`,
  method: 'tools/call',
  params: { name, arguments: args, ...more, _meta: { ...ENVELOPE, ...meta } },
})
const legacy = (name: string, args: Params = {}, meta?: Params): LinkRequest => ({
  id: `call ${name}`,
  method: 'tools/call',
  params: { name, arguments: args, ...(meta && { _meta: meta }) },
})
const textOf = (response: Response): unknown =>
  ((response['result'] as Params)?.['content'] as Params[] | undefined)?.[0]?.['text']

for (const [title, connect] of [
  ['SDK v2 over HTTP', modernHttp],
  ['SDK v2 over stdio', async () => stdio([V2]).connector],
] as const) {
  describe(`a modern upstream: ${title}`, () => {
    it('is found, listed and called', async () => {
      const upstream = upstreamOn(await connect())
      assert.equal((await upstream.connect()).era, 'modern')
      assert.equal(upstream.server?.serverInfo['name'], 'v2')
      const tool = await upstream.catalogue.find('echo')
      assert.match(tool?.digest ?? '', /^[0-9a-f]{64}$/)
      const link = await upstream.shared('a')
      assert.equal(textOf(await link.request(modern('echo', { text: 'é' }), recorder(), never())), 'é')
      const failed = await link.request({ id: 1, method: 'no/such', params: { _meta: ENVELOPE } }, recorder(), never())
      assert.equal((failed['error'] as Params)['code'], -32601)
    })

    it('reports progress under the token of the caller', async () => {
      const link = await upstreamOn(await connect()).shared('a')
      const events = recorder()
      await link.request(modern('progress', {}, { progressToken: 'tok' }), events, never())
      assert.deepEqual(
        events.notes.map((note) => [note.params?.['progressToken'], note.params?.['progress']]),
        [1, 2, 3].map((n) => ['tok', n]),
      )
    })

    it('asks for input and takes the answer with its state', async () => {
      const link = await upstreamOn(await connect()).shared('a')
      const meta = { [META.clientCapabilities]: { elicitation: { form: {} } } }
      const asked = await link.request(modern('confirm', {}, meta), recorder(), never())
      const { resultType, requestState, inputRequests } = asked['result'] as Params
      assert.equal(resultType, 'input_required')
      assert.deepEqual(Object.keys(inputRequests as Params), ['sure'])
      const inputResponses = { sure: { action: 'accept', content: {} } }
      const done = await link.request(
        modern('confirm', {}, meta, { inputResponses, requestState }),
        recorder(),
        never(),
      )
      assert.match(String(textOf(done)), /accept/)
    })

    it('is told when a call is cancelled and serves the next one', async () => {
      const link = await upstreamOn(await connect()).shared('a')
      const cancellation = new Cancellation()
      const done = link.request(modern('hang'), recorder(), cancellation)
      setTimeout(() => cancellation.cancel('deadline'), 50)
      await assert.rejects(done, isFault('upstream.ended'))
      assert.equal(textOf(await link.request(modern('echo', { text: 'x' }), recorder(), never())), 'x')
    })

    it('acknowledges a subscription under the id of the caller', async () => {
      const link = await upstreamOn(await connect()).shared('a')
      const events = recorder()
      const cancellation = new Cancellation()
      const params = { _meta: ENVELOPE, notifications: { toolsListChanged: true } }
      const ended = link.request({ id: 'mine', method: 'subscriptions/listen', params }, events, cancellation)
      await until(() => events.notes.length > 0)
      assert.equal(events.notes[0]?.method, 'notifications/subscriptions/acknowledged')
      const meta = events.notes[0]?.params?.['_meta'] as Params
      assert.equal(meta[META.subscriptionId], 'mine')
      cancellation.cancel('client-left')
      await assert.rejects(ended, isFault('upstream.ended'))
    })
  })
}

describe('a modern upstream over stdio', () => {
  it('starts once for a scope, however many ask at a time', async () => {
    const { connector, started } = stdio([V2])
    const upstream = upstreamOn(connector)
    const links = await Promise.all(['a', 'a', 'a', 'b'].map(async (scope) => upstream.shared(scope)))
    assert.equal(links[0], links[1])
    assert.notEqual(links[0], links[3])
    assert.deepEqual(started.sort(), ['a', 'b'])
  })

  it('hears that a tool was added and lists it', async () => {
    const { connector } = stdio([V2])
    const upstream = upstreamOn(connector)
    await upstream.catalogue.ready()
    const before = upstream.catalogue.list().length
    const changes: number[] = []
    upstream.catalogue.onChange((change) => changes.push(change.added.length))
    const link = await upstream.shared('gateway')
    await until(() => (link as { inFlight?: number }).inFlight === 1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    await link.request(modern('grow'), recorder(), never())
    await until(() => upstream.catalogue.list().length === before + 1)
    assert.deepEqual(changes, [1])
  })

  it('fails the call of a process that is killed, and starts another one', async () => {
    const { connector, started, children } = stdio([V2])
    const upstream = upstreamOn(connector)
    const first = await upstream.shared('a')
    const hanging = first.request(modern('hang'), recorder(), never())
    setTimeout(() => children[0]?.kill('SIGKILL'), 50)
    await assert.rejects(hanging, isFault('upstream.ended', { signal: 'SIGKILL' }))
    await assert.rejects(first.request(modern('echo', { text: 'x' }), recorder(), never()), isFault('upstream.ended'))
    await until(async () => {
      try {
        return (
          textOf(await (await upstream.shared('a')).request(modern('echo', { text: 'x' }), recorder(), never())) === 'x'
        )
      } catch {
        return false
      }
    })
    assert.equal(started.length, 2)
  })
})

/** A legacy server on the official SDK v1. */
function v1Server(): V1Server {
  const server = new V1Server({ name: 'v1', version: '1' })
  const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: String(value) }] })
  server.registerTool('echo', { inputSchema: { text: z.string() } }, (args) => text(args.text))
  server.registerTool('elicit', { inputSchema: {} }, async () => {
    const requestedSchema = { type: 'object' as const, properties: { name: { type: 'string' as const } } }
    const answer = await server.server.elicitInput({ message: 'Who?', requestedSchema })
    return text(answer.content?.['name'])
  })
  server.registerTool('sample', { inputSchema: {} }, async () => {
    const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: 'hi' } }]
    const answer = await server.server.createMessage({ messages, maxTokens: 5 })
    return text(JSON.stringify(answer.content))
  })
  return server
}

/** Keeps what was streamed, so that a stream can be taken up again. */
function eventStore(): EventStore {
  const events: Array<{ readonly stream: string; readonly message: JSONRPCMessage }> = []
  return {
    storeEvent: async (stream, message) => `${events.push({ stream, message })}`,
    async replayEventsAfter(lastEventId, { send }) {
      const from = Number(lastEventId)
      const stream = events[from - 1]?.stream ?? ''
      for (let at = from; at < events.length; at++) {
        const event = events[at]
        if (event?.stream === stream) await send(`${at + 1}`, event.message)
      }
      return stream
    },
  }
}

/** A legacy upstream over HTTP: one server of the factory for each session. */
function v1Http(factory: () => Connectable = v1Server): Promise<Connector> {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const start = async (): Promise<StreamableHTTPServerTransport> => {
    const server = factory()
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      eventStore: eventStore(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    transport.onclose = () => sessions.delete(transport.sessionId as string)
    await server.connect(transport)
    return transport
  }
  return http((request, response) => {
    const id = request.headers['mcp-session-id'] as string | undefined
    const known = id === undefined ? undefined : sessions.get(id)
    if (id !== undefined && known === undefined) return void response.writeHead(404).end()
    void Promise.resolve(known ?? start()).then((transport) => transport.handleRequest(request, response))
  })
}

const answering = (result: Params) => recorder((request) => ({ jsonrpc: '2.0', id: request.id, result }))

describe('a legacy upstream: SDK v1 over HTTP', () => {
  it('is found, listed and called within a session', async () => {
    const upstream = upstreamOn(await v1Http())
    assert.equal((await upstream.connect()).era, 'legacy')
    await upstream.catalogue.ready()
    assert.deepEqual(
      upstream.catalogue.list().map((tool) => tool.name),
      ['echo', 'elicit', 'sample'],
    )
    const link = await upstream.shared('a')
    assert.equal(textOf(await link.request(legacy('echo', { text: 'x' }), recorder(), never())), 'x')
  })

  it('asks only the clients that can answer, on the stream of their call', async () => {
    const upstream = upstreamOn(await v1Http())
    const lease = await upstream.exclusive('a', { ...CLIENT, capabilities: { elicitation: {}, sampling: {} } })
    const elicited = answering({ action: 'accept', content: { name: 'Ada' } })
    assert.equal(textOf(await lease.link.request(legacy('elicit'), elicited, never())), 'Ada')
    assert.equal(elicited.asked[0]?.method, 'elicitation/create')
    const sampled = answering({ role: 'assistant', model: 'm', content: { type: 'text', text: 'ho' } })
    assert.match(String(textOf(await lease.link.request(legacy('sample'), sampled, never()))), /ho/)
    lease.release()
    const other = recorder()
    const refused = await (await upstream.shared('a')).request(legacy('elicit'), other, never())
    assert.equal((refused['result'] as Params)['isError'], true)
    assert.equal(other.asked.length, 0)
  })

  it('leases one link to one call at a time and uses it again', async () => {
    const upstream = upstreamOn(await v1Http())
    const client = { ...CLIENT, capabilities: { elicitation: {} } }
    const first = await upstream.exclusive('a', client)
    const second = await upstream.exclusive('a', client)
    assert.notEqual(first.link, second.link)
    first.release()
    const third = await upstream.exclusive('a', client)
    assert.equal(third.link, first.link)
    const others = await upstream.exclusive('b', client)
    assert.notEqual(others.link, first.link)
  })
})

describe('a legacy upstream: server-everything', () => {
  it('works over stdio, with one process for probe and session', async () => {
    const { connector, started } = stdio([EVERYTHING, 'stdio'])
    const upstream = upstreamOn(connector)
    const session = recorder((request) => ({ jsonrpc: '2.0', id: request.id, result: { roots: [] } }))
    const link = await upstream.open({ ...CLIENT, capabilities: { roots: {}, elicitation: {} } }, session)
    assert.equal(link.era, 'legacy')
    assert.equal(started.length, 1)
    assert.equal(textOf(await link.request(legacy('echo', { message: 'x' }), recorder(), never())), 'Echo: x')
    const events = recorder()
    const slow = legacy('trigger-long-running-operation', { duration: 0.2, steps: 2 }, { progressToken: 7 })
    await link.request(slow, events, never())
    assert.deepEqual(
      events.notes.filter((one) => one.method === 'notifications/progress').map((one) => one.params?.['progressToken']),
      [7, 7],
    )
    const elicited = answering({ action: 'decline' })
    await link.request(legacy('trigger-elicitation-request'), elicited, never())
    assert.equal(elicited.asked[0]?.method, 'elicitation/create')
    await link.close()
    assert.equal(link.closed, true)
  })

  it('works over HTTP, in a session whose streams can be taken up again', async () => {
    const { createServer: everything } = (await import(EVERYTHING.replace('index.js', 'server/index.js'))) as {
      createServer(): { server: Connectable; cleanup(session?: string): void }
    }
    const servers: Array<ReturnType<typeof everything>> = []
    open.push(() => servers.forEach((one) => one.cleanup()))
    const upstream = upstreamOn(
      await v1Http(() => {
        const one = everything()
        servers.push(one)
        return one.server
      }),
    )
    const lease = await upstream.exclusive('a', { ...CLIENT, capabilities: { elicitation: {}, sampling: {} } })
    const events = recorder()
    const slow = legacy('trigger-long-running-operation', { duration: 0.2, steps: 2 }, { progressToken: 'p' })
    await lease.link.request(slow, events, never())
    const tokens = events.notes.map((one) => one.params?.['progressToken']).filter((token) => token !== undefined)
    assert.deepEqual(tokens, ['p', 'p'])
    const sampled = answering({ role: 'assistant', model: 'm', content: { type: 'text', text: 'ho' } })
    const response = await lease.link.request(legacy('trigger-sampling-request', { prompt: 'x' }), sampled, never())
    assert.match(String(textOf(response)), /ho/)
    assert.equal(sampled.asked[0]?.method, 'sampling/createMessage')
    lease.release()
  })
})
