import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, describe, it } from 'node:test'
import { Cancellation } from '../../../src/core/cancellation.ts'
import { Secret } from '../../../src/core/secret.ts'
import type { Params } from '../../../src/mcp/message.ts'
import { type HttpLegacyLink, openHttpLegacy } from '../../../src/upstream/http-legacy.ts'
import {
  call,
  CLIENT,
  isFault,
  json,
  never,
  parse,
  pool,
  type Recorder,
  recorder,
  serve,
  sse,
  type TestServer,
  until,
} from '../harness.ts'

type Body = Record<string, unknown>
type Reply = (response: ServerResponse, body: Body, request: IncomingMessage) => void
const open: Array<{ close(): Promise<void> }> = []
after(() => Promise.all(open.map((one) => one.close())))

const ok = (body: Body, result: unknown = {}): Body => ({ jsonrpc: '2.0', id: body['id'], result })
const INITIALIZED = { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 's' } }

/** A legacy upstream: the handshake is answered, the rest is up to the test. */
const legacy =
  (reply: Reply, session: string | null = 'session-1'): Reply =>
  (response, body, request) => {
    const headers = session === null ? {} : { 'mcp-session-id': session }
    if (body['method'] === 'initialize') json(response, ok(body, INITIALIZED), 200, headers)
    else if (body['method'] === 'notifications/initialized') response.writeHead(202).end()
    else if (request.method === 'DELETE') response.writeHead(200).end()
    else reply(response, body, request)
  }

async function linkTo(
  reply: Reply,
  session?: string | null,
): Promise<{ link: HttpLegacyLink; server: TestServer; unsolicited: Recorder }> {
  const server = await serve(legacy(reply, session))
  const connections = pool(server.url)
  open.push(connections, server)
  const unsolicited = recorder()
  const credentials = { 'x-api-key': new Secret('k') }
  const link = await openHttpLegacy(
    {
      pool: connections,
      parse,
      credentials,
      maxMessageBytes: 100_000,
      unsolicited,
      owner: 'one',
      startTimeoutMs: 5_000,
    },
    CLIENT,
  )
  open.unshift(link)
  return { link, server, unsolicited }
}
const noStream: Reply = (response) => void response.writeHead(405).end()
const posts =
  (reply: Reply): Reply =>
  (response, body, request) =>
    request.method === 'POST' ? reply(response, body, request) : noStream(response, body, request)

describe('HttpLegacyLink', () => {
  it('shakes hands and then carries session, version and credential with every request', async () => {
    const { link, server } = await linkTo(posts((response, body) => json(response, ok(body, { content: [] }))))
    const response = await link.request(call('echo'), recorder(), never())
    assert.deepEqual(response, { jsonrpc: '2.0', id: 'caller-1', result: { content: [] } })
    assert.deepEqual(link.server, INITIALIZED)
    const [first, second] = server.requests
    assert.deepEqual(first?.body['params'], {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: CLIENT.info,
    })
    assert.equal(first?.headers['mcp-session-id'], undefined)
    assert.equal(second?.body['method'], 'notifications/initialized')
    for (const { headers } of server.requests.slice(1)) {
      assert.equal(headers['mcp-session-id'], 'session-1')
      assert.equal(headers['mcp-protocol-version'], '2025-06-18')
      assert.equal(headers['x-api-key'], 'k')
      assert.equal(headers['mcp-method'], undefined)
    }
  })

  it('maps progress tokens and answers questions on the stream of their call', async () => {
    let asked: Body | undefined
    let stream: ServerResponse | undefined
    const { link, server } = await linkTo(
      posts((response, body) => {
        if (body['method'] === 'tools/call') {
          asked = body
          const progressToken = ((body['params'] as Params)['_meta'] as Params)['progressToken']
          stream = sse(response, { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken } })
          sse(response, { jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: {} })
          return
        }
        response.writeHead(202).end()
        sse(stream as ServerResponse, ok(asked as Body, { answered: body['result'] })).end()
      }),
    )
    const events = recorder((request) => ({ jsonrpc: '2.0', id: request.id, result: { action: 'accept' } }))
    const response = await link.request(call('ask', {}, { _meta: { progressToken: 'mine' } }), events, never())
    assert.deepEqual(response['result'], { answered: { action: 'accept' } })
    assert.deepEqual(events.notes[0]?.params, { progressToken: 'mine' })
    assert.deepEqual(server.requests.at(-1)?.body, { jsonrpc: '2.0', id: 'q', result: { action: 'accept' } })
  })

  it('takes a closed stream up again behind its last event, after the time that the upstream asked for', async () => {
    let first: Body = {}
    const { link, server } = await linkTo((response, body, request) => {
      if (request.method === 'POST') {
        first = body
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        return void response.end('id: e1\nretry: 20\ndata:\n\n')
      }
      const last = request.headers['last-event-id']
      if (last === undefined) return noStream(response, body, request)
      if (last === 'e1')
        return void response.writeHead(200, { 'content-type': 'text/event-stream' }).end('id: e2\ndata:\n\n')
      // An upstream that replays more than this stream's events.
      sse(response, ok({ id: 999 }), ok(first, { last }))
    })
    const response = await link.request(call('poll'), recorder(), never())
    assert.deepEqual(response['result'], { last: 'e2' })
    assert.equal(server.requests.filter((one) => one.body['method'] === 'tools/call').length, 1)
  })

  it('gives a cut stream up when it has no event to go on from', async () => {
    const { link, server } = await linkTo(
      posts((response) => void sse(response, { jsonrpc: '2.0', method: 'x' }).end()),
    )
    await assert.rejects(link.request(call('cut'), recorder(), never()), isFault('upstream.ended'))
    assert.equal(server.requests.filter((one) => one.body['method'] === 'tools/call').length, 1)
  })

  it('tells the upstream its own id when a call is cancelled', async () => {
    const { link, server } = await linkTo(
      posts((response, body) => {
        if (body['method'] !== 'tools/call') response.writeHead(202).end()
      }),
    )
    const cancellation = new Cancellation()
    const done = link.request(call('slow'), recorder(), cancellation)
    await until(() => server.requests.some((one) => one.body['method'] === 'tools/call'))
    cancellation.cancel('client-cancelled')
    await assert.rejects(done, isFault('upstream.ended'))
    await until(() => server.requests.at(-1)?.body['method'] === 'notifications/cancelled')
    const sent = server.requests.find((one) => one.body['method'] === 'tools/call')
    assert.deepEqual(server.requests.at(-1)?.body['params'], { requestId: sent?.body['id'] })
    assert.equal(link.closed, false)
  })

  it('hears the stream of the session and takes it up again', async () => {
    let streams = 0
    const { unsolicited, server } = await linkTo((response) => {
      streams++
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const note = { jsonrpc: '2.0', method: 'notifications/resources/list_changed' }
      response.end(`id: s${streams}\nretry: 10\ndata: ${JSON.stringify(note)}\n\n`)
    })
    await until(() => unsolicited.notes.length >= 3)
    assert.equal(server.requests.filter((one) => one.method === 'GET')[1]?.headers['last-event-id'], 's1')
  })

  it('asks the session what comes on its own stream', async () => {
    const { unsolicited, server } = await linkTo((response, _body, request) => {
      if (request.method === 'POST') return void response.writeHead(202).end()
      sse(response, { jsonrpc: '2.0', id: 5, method: 'roots/list' }, { jsonrpc: '2.0', id: 6, method: 'ping' })
    })
    await until(() => server.requests.filter((one) => one.method === 'POST').length === 4)
    assert.equal(unsolicited.asked[0]?.method, 'roots/list')
    const answers = server.requests
      .map((one) => one.body)
      .filter((body) => body['method'] === undefined && 'id' in body)
    assert.deepEqual(
      answers.find((body) => body['id'] === 6),
      { jsonrpc: '2.0', id: 6, result: {} },
    )
    assert.ok(answers.find((body) => body['id'] === 5)?.['error'])
  })

  it('is over for every call when the upstream does not know the session any more', async () => {
    const { link, server } = await linkTo(
      posts((response, body) => {
        if ((body['params'] as Params)['name'] === 'gone') response.writeHead(404).end()
      }),
    )
    const calls = ['waits', 'gone'].map((name) => link.request(call(name), recorder(), never()))
    await Promise.all(calls.map((one) => assert.rejects(one, isFault('upstream.ended'))))
    assert.equal(link.closed, true)
    const before = server.requests.length
    await assert.rejects(link.request(call('echo'), recorder(), never()), isFault('upstream.ended'))
    assert.equal(server.requests.length, before)
  })

  it('takes a 404 without a session for what it says', async () => {
    const error = { code: -32601, message: 'no' }
    const reply = posts((response, body) => json(response, { jsonrpc: '2.0', id: body['id'], error }, 404))
    const { link } = await linkTo(reply, null)
    const response = await link.request(call('echo'), recorder(), never())
    assert.deepEqual(response['error'], error)
    assert.equal(link.closed, false)
  })

  it('ends the session at the upstream when it is closed, once', async () => {
    const { link, server } = await linkTo(posts(() => {}))
    const waiting = link.request(call('waits'), recorder(), never())
    await until(() => server.requests.some((one) => one.body['method'] === 'tools/call'))
    const ended = assert.rejects(waiting, isFault('upstream.ended'))
    await Promise.all([link.close(), link.close(), ended])
    assert.equal(server.requests.filter((one) => one.method === 'DELETE').length, 1)
  })

  it('refuses an upstream whose session id could be another header', async () => {
    for (const session of ['a b', 'x'.repeat(2_000)]) {
      await assert.rejects(linkTo(noStream, session), isFault('upstream.malformed'))
    }
  })
})
