/** Authorization missing on a side path: every route, with every method, demands a credential. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { modern, send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND']
const ROUTES = ['/mcp', '/mcp/one', '/mcp/two']
const DOCUMENTS = ['', '/mcp', '/mcp/one', '/mcp/two'].map((path) => `/.well-known/oauth-protected-resource${path}`)
const ELSEWHERE = [
  '/',
  '/sse',
  '/message',
  '/messages',
  '/health',
  '/healthz',
  '/ready',
  '/metrics',
  '/status',
  '/admin',
  '/api/keys',
  '/debug/pprof',
  '/config',
  '/register',
  '/authorize',
  '/token',
  '/oauth/callback',
  '/mcp/',
  '/mcp/three',
  '/mcp/one/',
  '/mcp/one/tools',
  '/MCP',
  '/mcp/One',
  '/mcp;x=1',
  '/mcp/one;x=1',
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-protected-resource/mcp/three',
  '/.env',
  '/portcullis.yaml',
  '/state/store.sqlite',
]

let upstream: CountingUpstream
let gateway: TestGateway

before(async () => {
  upstream = await startCounting()
  const issuers = [{ issuer: 'https://issuer.example' }]
  gateway = await startTestGateway({
    upstreams: [
      { name: 'one', url: upstream.url },
      { name: 'two', url: upstream.url },
    ],
    config: { identity: { issuers } },
  })
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

const { body, headers } = modern('tools/call', { name: 'echo' })

for (const path of ROUTES) {
  for (const method of METHODS) {
    test(`${method} ${path} without a credential is answered 401`, async () => {
      const earlier = upstream.count()
      const withBody = method === 'GET' || method === 'HEAD' ? undefined : body
      const reply = await send(gateway, withBody, { method, url: gateway.origin + path, token: null, headers })
      assert.equal(reply.status, 401)
      assert.match(String(reply.headers['www-authenticate']), /^Bearer realm="mcp"/)
      assert.equal(upstream.count(), earlier)
    })
  }
}

test('nothing but the documents of RFC 9728 is answered without a credential', async () => {
  for (const path of [...ROUTES, ...DOCUMENTS, ...ELSEWHERE]) {
    for (const method of METHODS) {
      const reply = await send(gateway, undefined, { method, url: gateway.origin + path, token: null })
      const isDocument = method === 'GET' && DOCUMENTS.includes(path)
      if (isDocument) assert.equal(reply.status, 200, path)
      else assert.ok([400, 401, 404].includes(reply.status), `${method} ${path} → ${reply.status}`)
    }
  }
})

test('what is not a route is told apart from one only by being nothing', async () => {
  for (const path of ELSEWHERE) {
    const reply = await send(gateway, body, { url: gateway.origin + path, headers })
    assert.equal(reply.status, 404, path)
    assert.equal(reply.json.error.data.code, 'transport.not_found')
  }
})

test('a credential that no policy mentions reaches no upstream by any route', async () => {
  const token = await gateway.issue(['user'])
  const earlier = upstream.seen.length
  for (const path of ROUTES) {
    for (const [method, params] of [
      ['tools/call', { name: path === '/mcp' ? 'one__echo' : 'echo' }],
      ['tools/list', {}],
      ['server/discover', {}],
      ['subscriptions/listen', { notifications: { toolsListChanged: true } }],
      ['resources/read', { uri: 'test://open' }],
      ['prompts/get', { name: 'open' }],
      ['completion/complete', { ref: { type: 'ref/prompt', name: 'open' }, argument: { name: 'a', value: 'b' } }],
    ] as const) {
      const request = modern(method, params)
      const reply = await send(gateway, request.body, {
        url: gateway.origin + path,
        token,
        headers: request.headers,
      })
      assert.ok(reply.json.error !== undefined, `${method} at ${path}: ${reply.text}`)
    }
  }
  assert.equal(upstream.seen.length, earlier)
})
