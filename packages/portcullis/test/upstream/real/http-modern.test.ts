import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, describe, it } from 'node:test'
import { Cancellation } from '../../../src/core/cancellation.ts'
import { Secret } from '../../../src/core/secret.ts'
import { META } from '../../../src/mcp/meta.ts'
import { HttpModernLink } from '../../../src/upstream/http-modern.ts'
import type { HttpPool, HttpPoolOptions } from '../../../src/upstream/http-pool.ts'
import {
  call,
  ENVELOPE,
  isFault,
  json,
  never,
  parse,
  pool,
  recorder,
  serve,
  sse,
  type TestServer,
  until,
} from '../harness.ts'

type Body = Record<string, unknown>
const open: Array<{ close(): Promise<void> }> = []
after(() => Promise.all(open.map((one) => one.close())))

async function linkTo(
  reply: (response: ServerResponse, body: Body) => void,
  options: Partial<HttpPoolOptions> = {},
): Promise<{ link: HttpModernLink; server: TestServer; connections: HttpPool }> {
  const server = await serve(reply)
  const connections = pool(server.url, options)
  open.push(connections, server)
  const link = new HttpModernLink({
    pool: connections,
    parse,
    credentials: { Authorization: new Secret('Bearer upstream-token') },
    maxMessageBytes: 100_000,
    server: { protocolVersion: '2026-07-28', capabilities: {}, serverInfo: {} },
  })
  return { link, server, connections }
}

const ok = (body: Body, result: unknown = { resultType: 'complete' }): Body => ({
  jsonrpc: '2.0',
  id: body['id'],
  result,
})
const request = {
  ...call('echo', { a: 1 }, { _meta: ENVELOPE, x: 'kept' }),
  paramHeaders: { 'mcp-param-tenant': 't', cookie: 'no' },
}

describe('HttpModernLink', () => {
  it('sends one POST with rebuilt headers and gives the response back with the id of its caller', async () => {
    const { link, server } = await linkTo((response, body) =>
      json(response, ok(body, { resultType: 'complete', x: [1] })),
    )
    const response = await link.request(request, recorder(), never())
    assert.deepEqual(response, { jsonrpc: '2.0', id: 'caller-1', result: { resultType: 'complete', x: [1] } })
    const [sent] = server.requests
    assert.equal(typeof sent?.body['id'], 'number')
    assert.deepEqual(sent?.body['params'], request.params)
    assert.equal(sent?.headers['mcp-protocol-version'], '2026-07-28')
    assert.equal(sent?.headers['mcp-method'], 'tools/call')
    assert.equal(sent?.headers['mcp-name'], 'echo')
    assert.equal(sent?.headers['mcp-param-tenant'], 't')
    assert.equal(sent?.headers['authorization'], 'Bearer upstream-token')
    assert.equal(sent?.headers['cookie'], undefined)
  })

  it('hands notifications on before the response, in their order, at the speed of the caller', async () => {
    const { link } = await linkTo((response, body) => {
      const note = (n: number) => ({
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken: 'p', progress: n },
      })
      sse(response, note(1), note(2), note(3), ok(body)).end()
    })
    const seen: unknown[] = []
    const events = {
      ...recorder(),
      async notify(message: { params?: Body }) {
        await new Promise((resolve) => setTimeout(resolve, 2))
        seen.push(message.params?.['progress'])
      },
    }
    await link.request(request, events, never())
    assert.deepEqual(seen, [1, 2, 3])
  })

  it('uses the connection again after a stream', async () => {
    const { link, server } = await linkTo((response, body) => void sse(response, ok(body)).end())
    for (let n = 0; n < 20; n++) await link.request(request, recorder(), never())
    // The next call may leave before the end of the last stream has arrived.
    assert.ok((await server.connections()) <= 2)
  })

  it('maps the subscription id of a listen stream in both messages and result', async () => {
    const { link } = await linkTo((response, body) => {
      const _meta = { [META.subscriptionId]: body['id'] }
      sse(response, { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { _meta } })
      sse(response, ok(body, { resultType: 'complete', _meta })).end()
    })
    const events = recorder()
    const listen = { id: 'listen-9', method: 'subscriptions/listen', params: { _meta: ENVELOPE, notifications: {} } }
    const response = await link.request(listen, events, never())
    assert.deepEqual(events.notes[0]?.params?.['_meta'], { [META.subscriptionId]: 'listen-9' })
    assert.deepEqual(response['result'], { resultType: 'complete', _meta: { [META.subscriptionId]: 'listen-9' } })
  })

  it('passes an error response of any status on', async () => {
    const errors = [
      [400, -32020],
      [400, -32022],
      [404, -32601],
      [500, -32603],
      [200, -32602],
    ] as const
    for (const [status, code] of errors) {
      const { link } = await linkTo((response, body) =>
        json(
          response,
          { jsonrpc: '2.0', id: status === 500 ? null : body['id'], error: { code, message: 'no' } },
          status,
        ),
      )
      const response = await link.request(request, recorder(), never())
      assert.deepEqual(response, { jsonrpc: '2.0', id: 'caller-1', error: { code, message: 'no' } })
    }
  })

  it('closes the connection when the call is cancelled, waiting or streaming', async () => {
    for (const streams of [false, true]) {
      let gone = false
      const { link, server } = await linkTo((response) => {
        response.on('close', () => {
          gone = true
        })
        if (streams) sse(response, { jsonrpc: '2.0', method: 'notifications/message', params: {} })
      })
      const cancellation = new Cancellation()
      const answer = link.request(request, recorder(), cancellation)
      await until(() => server.requests.length === 1)
      cancellation.cancel('client-left')
      await assert.rejects(answer, isFault('upstream.ended', { reason: 'cancelled' }))
      await until(() => gone)
    }
  })

  it('sends nothing for a call that was cancelled before', async () => {
    const { link, server } = await linkTo((response, body) => json(response, ok(body)))
    const cancellation = new Cancellation()
    cancellation.cancel('deadline')
    await assert.rejects(link.request(request, recorder(), cancellation), isFault('upstream.ended'))
    await link.request(request, recorder(), never())
    assert.equal(server.requests.length, 1)
  })

  it('does not lose its connections to callers who leave while the upstream floods them', async () => {
    const { link, server } = await linkTo(
      (response, body) => {
        if ((body['params'] as Body)['name'] === 'echo') return json(response, ok(body))
        const note = { jsonrpc: '2.0', method: 'notifications/message', params: { data: 'x'.repeat(50_000) } }
        const flood = setInterval(() => sse(response, note, note, note, note), 1)
        response.on('close', () => clearInterval(flood))
      },
      { maxConnections: 2 },
    )
    for (let n = 0; n < 4; n++) {
      const cancellation = new Cancellation()
      const stuck = { ...recorder(), notify: () => new Promise<void>(() => {}) }
      const answer = link.request(call('flood', {}, { _meta: ENVELOPE }), stuck, cancellation)
      answer.catch(() => {})
      await until(() => server.requests.length === n + 1)
      await new Promise((resolve) => setTimeout(resolve, 30))
      cancellation.cancel('client-left')
    }
    await link.request(request, recorder(), never())
  })

  it('ends subscriptions when it is closed and then takes nothing new', async () => {
    const { link } = await linkTo((response) => void sse(response))
    const listen = link.request(
      { id: 1, method: 'subscriptions/listen', params: { _meta: ENVELOPE } },
      recorder(),
      never(),
    )
    assert.equal(link.inFlight, 1)
    await link.close()
    await assert.rejects(listen, isFault('upstream.ended'))
    await assert.rejects(link.request(request, recorder(), never()), isFault('upstream.ended'))
  })
})

describe('HttpModernLink with a broken or hostile upstream', () => {
  type Reply = (response: ServerResponse, body: Body) => void
  const raw =
    (text: string, type = 'application/json'): Reply =>
    (response) =>
      void response.writeHead(200, { 'content-type': type }).end(text)
  const cases: Record<string, [Reply, Parameters<typeof isFault>[0]]> = {
    'truncated JSON': [raw('{"jsonrpc":"2.0","id":1,"resu'), 'upstream.malformed'],
    'an empty body': [raw(''), 'upstream.malformed'],
    'a repeated member': [raw('{"jsonrpc":"2.0","id":1,"id":1,"result":{}}'), 'upstream.malformed'],
    'a forbidden member': [raw('{"jsonrpc":"2.0","id":1,"result":{"__proto__":{}}}'), 'upstream.malformed'],
    'a batch': [raw('[{"jsonrpc":"2.0","id":1,"result":{}}]'), 'upstream.malformed'],
    HTML: [raw('<html>', 'text/html'), 'upstream.malformed'],
    'the wrong id': [(r, body) => json(r, { ...ok(body), id: 99 }), 'upstream.malformed'],
    'the id as a string': [(r, body) => json(r, { ...ok(body), id: String(body['id']) }), 'upstream.malformed'],
    'result and error': [(r, body) => json(r, { ...ok(body), error: { code: 1, message: '' } }), 'upstream.malformed'],
    'a result that is no object': [(r, body) => json(r, ok(body, [])), 'upstream.malformed'],
    'an error without a code': [
      (r, body) => json(r, { jsonrpc: '2.0', id: body['id'], error: {} }),
      'upstream.malformed',
    ],
    'the request as its answer': [(r, body) => json(r, body), 'upstream.malformed'],
    'an accepted status': [(r) => void r.writeHead(202).end(), 'upstream.malformed'],
    'a compressed body': [(r, body) => json(r, ok(body), 200, { 'content-encoding': 'gzip' }), 'upstream.malformed'],
    'a redirect': [(r) => void r.writeHead(307, { location: '/elsewhere' }).end(), 'upstream.unavailable'],
    'a challenge': [(r, body) => json(r, ok(body), 401, { 'www-authenticate': 'Bearer x' }), 'upstream.unavailable'],
    'a forbidden status': [(r, body) => json(r, ok(body), 403), 'upstream.unavailable'],
    'a busy status': [(r) => void r.writeHead(503, { 'retry-after': '5' }).end(), 'upstream.unavailable'],
    'a result with an error status': [(r, body) => json(r, ok(body), 500), 'upstream.unavailable'],
    'a body that is too large': [raw(`"${'x'.repeat(2_000_000)}"`), 'upstream.too_large'],
    'an announced body that is too large': [
      (r) => void r.writeHead(200, { 'content-type': 'application/json', 'content-length': '9999999' }).write('{'),
      'upstream.too_large',
    ],
    'an event that is too large': [raw(`data: ${'x'.repeat(200_000)}`, 'text/event-stream'), 'upstream.too_large'],
    'a stream without a response': [(r) => void sse(r).end(), 'upstream.ended'],
    'a stream that is cut': [
      (r) => void sse(r, { jsonrpc: '2.0', method: 'x' }).write('data: {', () => r.destroy()),
      'upstream.ended',
    ],
    'a connection that is cut': [(r) => void r.destroy(), 'upstream.ended'],
    'a request on the stream': [(r) => void sse(r, { jsonrpc: '2.0', id: 1, method: 'ping' }), 'upstream.malformed'],
    "another call's response": [(r, body) => void sse(r, { ...ok(body), id: 77 }), 'upstream.malformed'],
    "another's subscription": [
      (r) => void sse(r, { jsonrpc: '2.0', method: 'x', params: { _meta: { [META.subscriptionId]: 77 } } }),
      'upstream.malformed',
    ],
    'broken JSON in a stream': [raw('data: {"a":\n\n', 'text/event-stream'), 'upstream.malformed'],
  }
  for (const [title, [reply, code]] of Object.entries(cases)) {
    it(`answers ${title} with ${code} and stays usable`, async () => {
      let evil = true
      const { link, server } = await linkTo((response, body) =>
        evil ? reply(response, body) : json(response, ok(body)),
      )
      await assert.rejects(link.request(request, recorder(), never()), isFault(code))
      evil = false
      await link.request(request, recorder(), never())
      assert.equal(server.requests.length, 2)
    })
  }

  it('takes the first response of a stream and ignores a second one', async () => {
    const { link } = await linkTo((response, body) => void sse(response, ok(body, { n: 1 }), ok(body, { n: 2 })).end())
    const response = await link.request(request, recorder(), never())
    assert.deepEqual(response['result'], { n: 1 })
  })

  it('gives a silent upstream up after the timeouts', async () => {
    const { link } = await linkTo(() => {}, { headersTimeoutMs: 100 })
    await assert.rejects(link.request(request, recorder(), never()), isFault('upstream.ended', { reason: 'timeout' }))
    const second = await linkTo((response) => void sse(response, { jsonrpc: '2.0', method: 'x' }), {
      idleTimeoutMs: 100,
    })
    await assert.rejects(
      second.link.request(request, recorder(), never()),
      isFault('upstream.ended', { reason: 'timeout' }),
    )
  })

  it('says unavailable when nobody listens', async () => {
    const { link, server } = await linkTo(() => {})
    await server.close()
    await assert.rejects(link.request(request, recorder(), never()), isFault('upstream.unavailable'))
  })

  it('refuses calls beyond what may wait', async () => {
    const { link, server } = await linkTo(() => {}, { maxPending: 2 })
    const cancellation = new Cancellation()
    const waiting = [1, 2].map(() => link.request(request, recorder(), cancellation))
    await assert.rejects(link.request(request, recorder(), never()), isFault('upstream.unavailable'))
    cancellation.cancel('deadline')
    await Promise.allSettled(waiting)
    assert.ok(server.requests.length <= 2)
  })
})
