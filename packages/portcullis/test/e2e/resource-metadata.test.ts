/** ID-3: documents of RFC 9728 for each upstream, challenges that lead to them, and no token in a query. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask, callTool, modern, send } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const ISSUER = 'https://issuer.example'

let upstream: CountingUpstream
let gateway: TestGateway

before(async () => {
  upstream = await startCounting()
  gateway = await startTestGateway({
    upstreams: ['one', 'two'].map((name) => ({ name, url: upstream.url })),
    config: { identity: { issuers: [{ issuer: ISSUER }] } },
  })
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

const documentOf = (path: string) =>
  send(gateway, undefined, { method: 'GET', url: `${gateway.origin}${path}`, token: null })

test('each path has its own document, whose resource is its own URL', async () => {
  for (const path of ['/mcp', '/mcp/one', '/mcp/two']) {
    const { status, headers, json } = await documentOf(`/.well-known/oauth-protected-resource${path}`)
    assert.equal(status, 200)
    assert.match(String(headers['content-type']), /^application\/json/)
    assert.equal(json.resource, gateway.origin + path)
    assert.deepEqual(json.authorization_servers, [ISSUER])
    assert.deepEqual(json.bearer_methods_supported, ['header'])
  }
  assert.equal((await documentOf('/.well-known/oauth-protected-resource/mcp/three')).status, 404)
})

test('a challenge leads to the document of the path that was called', async () => {
  for (const path of ['/mcp', '/mcp/one', '/mcp/two']) {
    for (const [token, error] of [
      [null, ''],
      ['wrong', ', error="invalid_token"'],
    ] as const) {
      const { body, headers } = modern('tools/list')
      const reply = await send(gateway, body, { url: gateway.origin + path, token, headers })
      assert.equal(reply.status, 401)
      const metadata = `${gateway.origin}/.well-known/oauth-protected-resource${path}`
      const bearer = `Bearer realm="mcp", resource_metadata="${metadata}"${error}`
      assert.equal(reply.headers['www-authenticate'], `${bearer}, DPoP algs="ES256 EdDSA Ed25519"${error}`)
      assert.equal((await documentOf(new URL(metadata).pathname)).json.resource, gateway.origin + path)
    }
  }
})

test('server/discover without a credential is challenged too', async () => {
  assert.equal((await ask(gateway, 'server/discover', {}, { token: null })).status, 401)
})

test('a credential in a query is refused even beside a good one', async () => {
  const earlier = upstream.seen.length
  for (const query of [
    `access_token=${gateway.token}`,
    `a=b&access_token=${gateway.token}`,
    `a=b;access_token=${gateway.token}`,
    `ACCESS_TOKEN=${gateway.token}`,
    `access%5Ftoken=${gateway.token}`,
    `%61ccess_token=x`,
    `api_key=${gateway.token}`,
    `token=${gateway.token}`,
    `anything=${gateway.token}`,
  ]) {
    for (const token of [gateway.token, null]) {
      const reply = await callTool(gateway, 'echo', {}, { url: `${gateway.url}?${query}`, token })
      assert.equal(reply.status, 400, query)
      assert.equal(reply.json.error.data.code, 'identity.token_in_query')
      assert.ok(!reply.text.includes(gateway.token))
    }
  }
  assert.equal(upstream.seen.length, earlier)
  assert.ok(!gateway.logged.join('').includes(gateway.token))
})

test('a credential is taken from the Authorization header alone', async () => {
  const earlier = upstream.seen.length
  const bearer = `Bearer ${gateway.token}`
  for (const headers of [
    { 'x-api-key': gateway.token },
    { cookie: `token=${gateway.token}` },
    { 'proxy-authorization': bearer },
    { authorization: gateway.token },
    { authorization: `Basic ${Buffer.from(`a:${gateway.token}`).toString('base64')}` },
    { authorization: `${bearer}, ${bearer}` },
    { 'x-forwarded-authorization': bearer },
  ]) {
    const reply = await callTool(gateway, 'echo', {}, { token: null, headers })
    assert.ok(reply.status === 401 || reply.status === 400, JSON.stringify(headers))
  }
  const { body } = modern('tools/list')
  assert.equal((await send(gateway, { ...body, access_token: gateway.token }, { token: null })).status, 401)
  assert.equal(upstream.seen.length, earlier)
})

test('without an outside issuer there are no documents, and no challenge leads to one', async (t) => {
  const plain = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }] })
  t.after(() => plain.close())
  const url = `${plain.origin}/.well-known/oauth-protected-resource/mcp/one`
  assert.equal((await send(plain, undefined, { method: 'GET', url, token: null })).status, 404)
  const reply = await ask(plain, 'tools/list', {}, { token: null })
  assert.equal(reply.headers['www-authenticate'], 'Bearer realm="mcp"')
})
