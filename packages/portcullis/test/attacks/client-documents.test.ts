/** Client-id metadata documents: a stranger names an address that we connect to, so we connect to almost none. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { createTestIdentity, type TestIdentity } from '../fixtures/certificate.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import {
  authorizeUrl,
  pkce,
  REDIRECT,
  redeem,
  type SignInGateway,
  signInAndAllow,
  startSignIn,
} from '../fixtures/sign-in.ts'

let upstream: CountingUpstream
let identity: TestIdentity
let inside: Server
let connections = 0
let port: number

before(async () => {
  upstream = await startCounting()
  identity = await createTestIdentity()
  inside = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => inside.listen(0, '::', resolve))
  port = (inside.address() as AddressInfo).port
})
after(async () => {
  inside.close()
  identity.remove()
  await upstream.close()
})

async function gatewayWith(
  t: { after(end: () => Promise<void>): void },
  clientDocuments: object,
): Promise<SignInGateway> {
  const gateway = await startSignIn({ upstreams: [{ name: 'one', url: upstream.url }], server: { clientDocuments } })
  t.after(() => gateway.close())
  await gateway.person('alice')
  return gateway
}

test('no document is fetched from an address inside, however it is written', async (t) => {
  const gateway = await gatewayWith(t, { hosts: ['*'] })
  const metadata = JSON.parse(
    (await gateway.browser().get('/.well-known/oauth-authorization-server/auth')).text,
  ) as object
  assert.partialDeepStrictEqual(metadata, { client_id_metadata_document_supported: true })
  for (const host of [
    '127.0.0.1',
    'localhost',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '0.0.0.0',
    '[::]',
    '10.0.0.1',
    '169.254.169.254',
  ]) {
    const page = await gateway.browser().get(authorizeUrl(gateway, `https://${host}:${port}/client.json`))
    assert.equal(page.status, 400, host)
    assert.equal(page.leadsTo, undefined)
    assert.ok(!page.text.includes('<form'))
  }
  assert.equal(connections, 0)
})

for (const [title, documents] of [
  ['of a host that is not trusted', { hosts: ['trusted.example'], privateNetworks: ['127.0.0.0/8'] }],
  ['where none are configured', {}],
] as const) {
  test(`no document is fetched ${title}`, async (t) => {
    const gateway = await gatewayWith(t, documents)
    for (const id of [
      `https://127.0.0.1:${port}/client.json`,
      `https://trusted.example@127.0.0.1:${port}/client.json`,
      `https://trusted.example.evil.example:${port}/client.json`,
      `http://127.0.0.1:${port}/client.json`,
    ])
      assert.equal((await gateway.browser().get(authorizeUrl(gateway, id))).status, 400)
    assert.equal(connections, 0)
  })
}

/** A web server that publishes what the test gives it. */
async function publisher(t: { after(end: () => void): void }) {
  const published: { document: unknown; status: number; requests: number; headers: Record<string, string> } = {
    document: {},
    status: 200,
    requests: 0,
    headers: {},
  }
  const server = createHttps({ key: identity.key, cert: identity.cert }, (_request, response) => {
    published.requests += 1
    response.writeHead(published.status, { 'content-type': 'application/json', ...published.headers })
    response.end(typeof published.document === 'string' ? published.document : JSON.stringify(published.document))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => void server.close())
  const host = `localhost:${(server.address() as AddressInfo).port}`
  return { published, host, id: `https://${host}/client.json` }
}

test('a client with a document on a trusted host needs no registration', async (t) => {
  const { published, host, id } = await publisher(t)
  const gateway = await gatewayWith(t, {
    hosts: [host],
    privateNetworks: ['127.0.0.0/8', '::1/128'],
    ca: identity.caFile,
  })
  published.document = { client_id: id, client_name: 'Documented client', redirect_uris: [REDIRECT] }
  const { verifier, challenge } = pkce()
  const browser = gateway.browser()
  const page = await browser.get(authorizeUrl(gateway, id, { code_challenge: challenge, redirect_uri: REDIRECT }))
  assert.match(page.text, /Documented client/)
  const consent = await browser.submit(page, '/sign-in', { name: 'alice', password: 'correct horse battery staple' })
  assert.ok(consent.text.includes(`published by ${host}`))
  const { leadsTo } = await signInAndAllow(browser, consent, 'alice')
  const told = await redeem(gateway, id, leadsTo?.searchParams.get('code') ?? '', verifier)
  assert.equal(told.status, 200, told.text)
  assert.equal(published.requests, 1, 'it is fetched once')
})

test('a document that is not sound introduces nobody', async (t) => {
  const { published, host, id } = await publisher(t)
  const gateway = await gatewayWith(t, {
    hosts: [host],
    privateNetworks: ['127.0.0.0/8', '::1/128'],
    ca: identity.caFile,
  })
  const good = { client_id: id, client_name: 'Documented client', redirect_uris: [REDIRECT] }
  for (const [change, status, headers] of [
    [{ client_id: 'https://other.example/client.json' }],
    [{ client_id: undefined }],
    [{ client_name: undefined }],
    [{ client_name: '' }],
    [{ redirect_uris: undefined }],
    [{ redirect_uris: [] }],
    [{ redirect_uris: ['http://evil.example/'] }],
    [{ redirect_uris: [REDIRECT, 'javascript:alert(1)'] }],
    [{ client_secret: 'x' }],
    [{ token_endpoint_auth_method: 'client_secret_basic' }],
    [{}, 500],
    [{}, 302, { location: `https://127.0.0.1:${port}/` }],
  ] as readonly (readonly [object, number?, Record<string, string>?])[]) {
    published.document = { ...good, ...change }
    published.status = status ?? 200
    published.headers = headers ?? {}
    const page = await gateway.browser().get(authorizeUrl(gateway, id))
    assert.equal(page.status, 400, JSON.stringify(change))
    assert.ok(!page.text.includes('<form'))
  }
  published.status = 200
  published.headers = {}
  for (const document of ['[]', 'null', '{', `{"client_id":"${id}","client_name":"${'x'.repeat(100_000)}"}`]) {
    published.document = document
    assert.equal((await gateway.browser().get(authorizeUrl(gateway, id))).status, 400)
  }
  assert.equal(connections, 0, 'no redirect was followed')
})

test('a documented client has no rights of its own', async (t) => {
  const { published, host, id } = await publisher(t)
  const gateway = await gatewayWith(t, {
    hosts: [host],
    privateNetworks: ['127.0.0.0/8', '::1/128'],
    ca: identity.caFile,
  })
  const grants = { grant_types: ['client_credentials', 'authorization_code'] }
  published.document = { client_id: id, client_name: 'Documented client', redirect_uris: [REDIRECT], ...grants }
  const told = await gateway.tell('/token', { grant_type: 'client_credentials', client_id: id })
  assert.equal(told.status, 400)
  assert.equal(told.json.access_token, undefined)
})
