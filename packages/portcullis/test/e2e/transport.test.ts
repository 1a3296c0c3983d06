/** CO-1: TLS 1.3 and nothing older, on both sides; plain text only where it is spelled, and only on loopback. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { after, before, test } from 'node:test'
import { connect, type ConnectionOptions } from 'node:tls'
import { createTestIdentity, type TestIdentity } from '../fixtures/certificate.ts'
import { callTool, modern } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

let upstream: CountingUpstream
let gateway: TestGateway
let identity: TestIdentity

before(async () => {
  identity = await createTestIdentity()
  upstream = await startCounting()
  gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }] })
})
after(async () => {
  await gateway.close()
  await upstream.close()
  identity.remove()
})

/** The version that was agreed upon, or the error of the handshake. */
function handshake(options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const port = Number(new URL(gateway.origin).port)
    const socket = connect({ host: '127.0.0.1', port, ca: readFileSync(gateway.caFile), ...options }, () => {
      resolve(socket.getProtocol() ?? 'none')
      socket.destroy()
    })
    socket.on('error', (error) => resolve(`refused: ${(error as NodeJS.ErrnoException).code}`))
  })
}

test('TLS 1.3 is spoken', async () => {
  assert.equal(await handshake({}), 'TLSv1.3')
})

for (const version of ['TLSv1', 'TLSv1.1', 'TLSv1.2'] as const) {
  test(`${version} is refused`, async () => {
    // Level 0 lets this client offer what its library would not offer by itself.
    const ciphers = 'ALL:@SECLEVEL=0'
    assert.match(
      await handshake({ minVersion: version, maxVersion: version, ciphers }),
      /^refused: .*PROTOCOL_VERSION$/,
    )
  })
}

test('the certificate is of the local authority, and for our names alone', async () => {
  assert.match(await handshake({ ca: [] }), /^refused: /)
  assert.match(await handshake({ servername: 'evil.example' }), /^refused: ERR_TLS_CERT_ALTNAME_INVALID$/)
})

/** Status of a plain HTTP request, or the error. */
function plain(origin: string, token: string): Promise<number | string> {
  const { body, headers } = modern('tools/call', { name: 'echo', arguments: {} })
  const { host, port } = new URL(origin)
  return new Promise((resolve) => {
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      path: '/mcp/one',
      method: 'POST',
      headers: {
        ...headers,
        host,
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
    })
    request.on('response', (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    request.on('error', (error) => resolve(String((error as NodeJS.ErrnoException).code)))
    request.end(JSON.stringify(body))
  })
}

test('plain text on the TLS port reaches nothing', async () => {
  const earlier = upstream.seen.length
  assert.notEqual(await plain(gateway.origin, gateway.token), 200)
  assert.equal(upstream.seen.length, earlier)
})

test('plain text is served where it is spelled, and the weakness is in the audit chain', async (t) => {
  const spelled = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    config: { listen: { port: 0, plaintext: 'loopback-only' } },
  })
  t.after(() => spelled.close())
  assert.match(spelled.origin, /^http:\/\/127\.0\.0\.1:/)
  assert.equal(await plain(spelled.origin, spelled.token), 200)
  const { recordsOf } = await import('../fixtures/audit.ts')
  const start = recordsOf(spelled).find((record) => record.kind === 'start')
  assert.ok(start?.kind === 'start' && start.weaknesses.includes('listen.plaintext: loopback-only'))
})

/** Title, TLS options of the upstream, whether the gateway trusts its authority, status. */
const UPSTREAMS: readonly (readonly [string, object, boolean, number])[] = [
  ['a TLS 1.3 upstream of a trusted authority is called', {}, true, 200],
  ['an upstream of an unknown authority is not called', {}, false, 502],
  ['an upstream that speaks TLS 1.2 at most is not called', { maxVersion: 'TLSv1.2' }, true, 502],
]

for (const [title, tls, trusted, status] of UPSTREAMS) {
  test(title, async (t) => {
    const secure = await startCounting(undefined, { key: identity.key, cert: identity.cert, ...tls })
    t.after(() => secure.close())
    const http = {
      ...(trusted && { tls: { ca: identity.caFile } }),
      headers: { authorization: { env: 'UPSTREAM_TOKEN' } },
    }
    const own = await startTestGateway({
      upstreams: [{ name: 'one', url: secure.url, http }],
      environment: { UPSTREAM_TOKEN: 'Bearer managed' },
    })
    t.after(() => own.close())
    const reply = await callTool(own, 'echo', {})
    assert.equal(reply.status, status, reply.text)
    if (status !== 200) assert.equal(secure.seen.length, 0, 'nothing was sent, and no credential')
  })
}

test('an upstream with the name of somebody else on its certificate is not called', async (t) => {
  const secure = await startCounting(undefined, { key: identity.key, cert: identity.cert })
  t.after(() => secure.close())
  const url = secure.url.replace('127.0.0.1', '127.0.0.2')
  const own = await startTestGateway({ upstreams: [{ name: 'one', url, http: { tls: { ca: identity.caFile } } }] })
  t.after(() => own.close())
  assert.equal((await callTool(own, 'echo', {})).status, 502)
  assert.equal(secure.seen.length, 0)
})
