/** DNS rebinding: a page that calls a loopback address under its own name is refused by Host and by Origin. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { modern, send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

let upstream: CountingUpstream
let gateway: TestGateway
let port: string

before(async () => {
  upstream = await startCounting()
  gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    config: {
      listen: { port: 0, allowedHosts: ['gate.example:8443'], allowedOrigins: ['https://console.example'] },
      identity: { issuers: [{ issuer: 'https://issuer.example' }] },
    },
  })
  port = new URL(gateway.origin).port
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

const { body, headers } = modern('tools/call', { name: 'echo' })

async function status(more: Readonly<Record<string, string>>): Promise<number> {
  const earlier = upstream.seen.length
  const reply = await send(gateway, body, { headers: { ...headers, ...more } })
  if (reply.status !== 200) assert.equal(upstream.seen.length, earlier, 'the upstream heard nothing')
  return reply.status
}

const FOREIGN_HOSTS = [
  'evil.example',
  'evil.example:PORT',
  '127.0.0.1.evil.example:PORT',
  'localhost.evil.example:PORT',
  'evil.example@127.0.0.1:PORT',
  '127.0.0.1:PORT@evil.example',
  '127.0.0.1:1',
  '127.0.0.1',
  '127.1:PORT',
  '2130706433:PORT',
  '0x7f000001:PORT',
  '0.0.0.0:PORT',
  '[::]:PORT',
  '[::ffff:127.0.0.1]:PORT',
  '[::1%25lo]:PORT',
  'localhost.:PORT',
  'LOCALHOST%2eevil:PORT',
  'gate.example',
  'gate.example:8443.evil.example',
  'localhost:PORT/path',
]

for (const host of FOREIGN_HOSTS) {
  test(`the Host ${host} is refused`, async () => {
    assert.equal(await status({ host: host.replace('PORT', port) }), 403)
  })
}

test('the documents are refused under a foreign Host too', async () => {
  const url = `${gateway.origin}/.well-known/oauth-protected-resource`
  const reply = await send(gateway, undefined, { method: 'GET', url, token: null, headers: { host: 'evil.example' } })
  assert.equal(reply.status, 403)
})

const FOREIGN_ORIGINS = [
  'https://evil.example',
  'http://evil.example:PORT',
  'https://127.0.0.1.evil.example:PORT',
  'http://127.0.0.1:PORT',
  'https://127.0.0.1',
  'https://localhost',
  'https://localhost:1',
  'https://localhost:PORT.evil.example',
  'https://console.example.evil.example',
  'https://evil.example/https://console.example',
  'https://console.example@evil.example',
  'http://console.example',
  'https://console.example:444',
  'https://sub.console.example',
  'null',
  'file://',
  'chrome-extension://abcdef',
]

for (const origin of FOREIGN_ORIGINS) {
  test(`the Origin ${origin} is refused`, async () => {
    assert.equal(await status({ origin: origin.replace('PORT', port) }), 403)
  })
}

test('our own names, and those that are spelled out, are served', async () => {
  for (const host of ['127.0.0.1:PORT', 'localhost:PORT', 'LocalHost:PORT', '[::1]:PORT', 'gate.example:8443']) {
    assert.equal(await status({ host: host.replace('PORT', port) }), 200, host)
  }
  for (const origin of ['https://console.example', 'https://127.0.0.1:PORT', 'https://localhost:PORT']) {
    assert.equal(await status({ origin: origin.replace('PORT', port) }), 200, origin)
  }
})

const PREFLIGHT = {
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
}

test('a browser is told that a page of an allowed origin may call, before it has a token', async () => {
  const earlier = upstream.seen.length
  const asked = { origin: 'https://console.example', ...PREFLIGHT }
  const reply = await send(gateway, undefined, { method: 'OPTIONS', token: null, headers: asked })
  assert.equal(reply.status, 200)
  assert.equal(reply.headers['access-control-allow-origin'], 'https://console.example')
  assert.match(String(reply.headers['access-control-allow-methods']), /POST/)
  assert.equal(reply.headers['access-control-allow-headers'], PREFLIGHT['access-control-request-headers'])
  assert.equal(reply.headers['access-control-allow-credentials'], undefined)
  assert.equal(upstream.seen.length, earlier)
})

test('such a page can read answers, and why it was refused', async () => {
  const origin = 'https://console.example'
  for (const token of [gateway.token, null]) {
    const reply = await send(gateway, body, { token, headers: { ...headers, origin } })
    assert.equal(reply.status, token === null ? 401 : 200)
    assert.equal(reply.headers['access-control-allow-origin'], origin)
    assert.match(String(reply.headers['access-control-expose-headers']), /WWW-Authenticate/)
    assert.equal(reply.headers.vary, 'Origin')
  }
})

test('pages of other origins are told nothing, and programs get no leave to ask for what they like', async () => {
  const foreign = { origin: 'https://evil.example', ...PREFLIGHT }
  const refused = await send(gateway, undefined, { method: 'OPTIONS', token: null, headers: foreign })
  assert.deepEqual([refused.status, refused.headers['access-control-allow-origin']], [403, undefined])
  const unasked = await send(gateway, undefined, { method: 'OPTIONS', token: null, headers: PREFLIGHT })
  assert.equal(unasked.status, 401)
  const broken = { ...PREFLIGHT, origin: 'https://console.example', 'access-control-request-headers': 'a: b, c' }
  const reply = await send(gateway, undefined, { method: 'OPTIONS', token: null, headers: broken })
  assert.equal(reply.headers['access-control-allow-headers'], undefined)
})
