/** SSRF: a redirect of an upstream or of an issuer is never followed, and no argument makes the gateway call anywhere. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { createTestIdentity, type TestIdentity } from '../fixtures/certificate.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { ask, callTool, send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { LoopbackIssuer, signingKey } from '../identity/loopback-issuer.ts'

let identity: TestIdentity
let upstream: CountingUpstream
let victim: Server
let issuer: LoopbackIssuer
let gateway: TestGateway
let reached = 0

before(async () => {
  identity = await createTestIdentity()
  upstream = await startCounting([
    { name: 'fetch', inputSchema: { type: 'object', properties: { url: { type: 'string' } } } },
  ])
  victim = createServer((_request, response) => {
    reached++
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"keys":[]}')
  })
  victim.on('connection', () => reached++)
  await new Promise<void>((resolve) => victim.listen(0, '127.0.0.1', resolve))
  issuer = await LoopbackIssuer.start({ after: () => {} }, identity)
  gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url, http: { headers: { authorization: { env: 'UPSTREAM_TOKEN' } } } }],
    environment: { UPSTREAM_TOKEN: 'Bearer managed' },
    config: { identity: { issuers: [{ issuer: issuer.issuer, ca: identity.caFile, everyone: ['admin'] }] } },
  })
})
after(async () => {
  await gateway.close()
  await upstream.close()
  await issuer.stop()
  victim.close()
  identity.remove()
})

const place = () => `http://127.0.0.1:${(victim.address() as AddressInfo).port}/latest/meta-data`

for (const status of [300, 301, 302, 303, 307, 308]) {
  test(`an upstream's ${status} is not followed and not passed on`, async () => {
    upstream.misbehave((seen, response) => {
      if (seen.message?.method !== 'tools/call') return false
      response.writeHead(status, { location: place(), refresh: `0; url=${place()}` }).end()
      return true
    })
    const reply = await callTool(gateway, 'fetch', { url: 'x' })
    upstream.misbehave(undefined)
    assert.equal(reply.status, 502)
    assert.equal(reply.headers.location, undefined)
    assert.ok(!reply.text.includes(place()))
    assert.equal(reached, 0)
  })
}

test('a redirect of the list or of the greeting is not followed', async () => {
  upstream.misbehave((_seen, response) => {
    response.writeHead(307, { location: place() }).end()
    return true
  })
  await ask(gateway, 'prompts/list')
  await ask(gateway, 'resources/read', { uri: 'test://open' })
  upstream.misbehave(undefined)
  assert.equal(reached, 0)
})

test("an issuer's redirect to keys of somebody else is not followed", async () => {
  const key = await signingKey('a')
  const forged = await issuer.token(key, { sub: 'a', aud: gateway.url, exp: Math.floor(Date.now() / 1000) + 60 })
  const redirect = (_request: unknown, response: { writeHead(status: number, headers: object): { end(): void } }) =>
    response.writeHead(302, { location: place() }).end()
  issuer.answers = { '/jwks': redirect as never, '/.well-known/oauth-authorization-server': redirect as never }
  const reply = await callTool(gateway, 'fetch', {}, { token: forged })
  assert.equal(reply.status, 503)
  assert.ok(issuer.count('/jwks') > 0, 'the issuer was asked')
  assert.equal(reached, 0)
})

test('keys that a token points to are not fetched', async () => {
  const key = await signingKey('b')
  for (const header of [{ jku: place() }, { x5u: place() }, { jwk: key.jwk }]) {
    const claims = { sub: 'a', aud: gateway.url, exp: Math.floor(Date.now() / 1000) + 60 }
    const reply = await callTool(gateway, 'fetch', {}, { token: await issuer.token(key, claims, header) })
    assert.ok(reply.status === 401 || reply.status === 503, reply.text)
  }
  const claims = { iss: place(), sub: 'a', aud: gateway.url, exp: Math.floor(Date.now() / 1000) + 60 }
  assert.equal((await callTool(gateway, 'fetch', {}, { token: await issuer.token(key, claims) })).status, 401)
  assert.equal(reached, 0)
})

test('an address among the arguments, in a header or in the path makes the gateway call nobody', async () => {
  const earlier = upstream.count()
  const named = { 'x-upstream-url': place(), 'x-forwarded-host': new URL(place()).host, referer: place() }
  assert.equal((await callTool(gateway, 'fetch', { url: 'https://example.org/' }, { headers: named })).status, 200)
  assert.equal(upstream.count(), earlier + 1)
  // An address of this machine does not even reach the tool.
  const refused = await callTool(gateway, 'fetch', { url: place() })
  assert.match(refused.text, /"isError":true/)
  assert.equal(upstream.count(), earlier + 1)
  for (const path of [`/mcp/${encodeURIComponent(place())}`, `/mcp?url=${place()}`, `/mcp/one?url=${place()}`]) {
    await send(gateway, { jsonrpc: '2.0', id: 1, method: 'ping' }, { url: gateway.origin + path })
  }
  assert.equal(reached, 0)
})
