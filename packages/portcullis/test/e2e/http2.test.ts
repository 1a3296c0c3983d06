/** CO-1: HTTP/2 by ALPN beside HTTP/1.1: every route answers the same, streams come to their end, TLS is as configured. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect as connectPlain, createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { modern, send, type Sending } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { connectHttp2, type Http2Client, replyOf } from '../fixtures/http2-client.ts'

let upstream: CountingUpstream
let gateway: TestGateway
let client: Http2Client

before(async () => {
  upstream = await startCounting()
  gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    config: { listen: { port: 0, allowedOrigins: ['https://page.example'] }, identity: { server: {} } },
  })
  client = await connectHttp2(gateway)
})
after(async () => {
  await client.close()
  await gateway.close()
  await upstream.close()
})

/** What differs from one answer to the next. */
const CHANGING =
  /[0-9a-f]{8}-[0-9a-f-]{27}|"(?:iat|exp|uptime\w*|startedAt|at)":[^,}]+|nonce="[^"]*"|value="[^"]{20,}"|\d+\.\d+/g
const OF_THE_WAY = new Set(['date', 'connection', 'keep-alive', ':status', 'transfer-encoding', 'set-cookie'])

const named = (headers: object): readonly string[] =>
  Object.keys(headers)
    .filter((name) => !OF_THE_WAY.has(name))
    .toSorted()

type Asked = readonly [title: string, body: () => object | string | undefined, sending: () => Sending]

const call = (name: string) => modern('tools/call', { name, arguments: { text: 'x' } })
const at = (path: string, more: Sending = {}): (() => Sending) => {
  return () => ({ method: 'GET', url: `${gateway.origin}${path}`, ...more })
}
const nothing = () => undefined

const ROUTES: readonly Asked[] = [
  ['a call', () => call('echo').body, () => ({ headers: call('echo').headers })],
  ['a list', () => modern('tools/list').body, () => ({ headers: modern('tools/list').headers })],
  ['a call of what is not there', () => call('gone').body, () => ({ headers: call('gone').headers })],
  ['a call of nobody', () => call('echo').body, () => ({ headers: call('echo').headers, token: null })],
  ['a call of a stranger', () => call('echo').body, () => ({ headers: call('echo').headers, token: 'pcl_x' })],
  ['a body that is no JSON', () => '{', () => ({ headers: call('echo').headers })],
  ['a GET without a session', nothing, at('/mcp/one')],
  ['another method', nothing, at('/mcp/one', { method: 'PUT' })],
  ['a path that is not there', nothing, at('/nothing')],
  [
    'the aggregate',
    () => modern('tools/list').body,
    () => ({ url: `${gateway.origin}/mcp`, headers: modern('tools/list').headers }),
  ],
  ['metadata', nothing, at('/.well-known/oauth-protected-resource/mcp/one', { token: null })],
  ['metadata of the server', nothing, at('/.well-known/oauth-authorization-server/auth', { token: null })],
  ['a page of the server', nothing, at('/auth/account', { token: null })],
  ['keys of the server', nothing, at('/auth/jwks', { token: null })],
  ['the administration', nothing, at('/admin/v1/blocks')],
  ['the administration for nobody', nothing, at('/admin/v1/blocks', { token: null })],
  [
    'a page of somebody else',
    () => call('echo').body,
    () => ({ headers: { ...call('echo').headers, origin: 'https://evil.example' } }),
  ],
  [
    'a page that is let in',
    () => call('echo').body,
    () => ({ headers: { ...call('echo').headers, origin: 'https://page.example' } }),
  ],
  [
    'a question of a page',
    nothing,
    at('/mcp/one', {
      method: 'OPTIONS',
      token: null,
      headers: { origin: 'https://page.example', 'access-control-request-method': 'POST' },
    }),
  ],
]

describe('the same is answered over both', () => {
  for (const [title, body, sending] of ROUTES) {
    test(title, async () => {
      const over1 = await send(gateway, body(), sending())
      const over2 = await client.send(body(), sending())
      assert.equal(over2.status, over1.status)
      assert.equal(over2.text.replaceAll(CHANGING, '…'), over1.text.replaceAll(CHANGING, '…'))
      assert.deepEqual(named(over2.headers), named(over1.headers))
    })
  }
})

test('a session of the older era keeps a stream open, and what is asked meanwhile goes on', async () => {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const hello = await client.send({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  const headers = { 'mcp-session-id': String(hello.headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' }
  await client.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, { headers })
  const stream = client.open(undefined, { method: 'GET', headers })
  const [response] = await new Promise<readonly [Record<string, unknown>]>((resolve) =>
    stream.once('response', (head) => resolve([head])),
  )
  assert.deepEqual([response[':status'], response['content-type']], [200, 'text/event-stream'])
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } }
  assert.equal((await client.send(message, { headers })).status, 200)
  assert.equal((await client.send(undefined, { method: 'DELETE', headers })).status, 200)
  await new Promise((resolve) => stream.resume().once('close', resolve))
})

test('a hundred calls at once are each answered', async () => {
  const replies = await Promise.all(
    Array.from({ length: 100 }, (_, text) => client.callTool('echo', { text: `${text}` })),
  )
  assert.deepEqual(
    replies.map(({ json }) => json.result.content[0].text),
    replies.map((_, text) => JSON.stringify({ text: `${text}` })),
  )
})

test('a large call comes in many frames, and what is too large is refused', async () => {
  const reply = await client.callTool('echo', { text: 'x'.repeat(1_000_000) })
  assert.equal(reply.status, 200)
  const earlier = upstream.count()
  const tooLarge = await client.callTool('echo', { text: 'x'.repeat(9_000_000) })
  assert.equal(tooLarge.status, 413)
  assert.equal(upstream.count(), earlier)
})

test('a caller whose key is revoked loses its streams, and a client that leaves ends its call', async () => {
  const token = await gateway.issue(['admin'])
  const { body, headers } = modern('subscriptions/listen', { notifications: { toolsListChanged: true } })
  const stream = client.open(body, { token, headers })
  await new Promise((resolve) => stream.once('data', resolve))
  const ended = new Promise((resolve) => stream.resume().once('close', resolve))
  await gateway.revoke(token)
  await ended
  const left = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  upstream.misbehave(({ message }, response) => {
    if (message?.method !== 'tools/call') return false
    response.once('close', () => left.resolve())
    begun.resolve()
    return true
  })
  const leaving = client.open(call('echo').body, { headers: call('echo').headers })
  await begun.promise
  leaving.close(8)
  await left.promise
  upstream.misbehave(undefined)
})

test('curl speaks it', async () => {
  const url = `${gateway.origin.replace('127.0.0.1', 'localhost')}/.well-known/oauth-protected-resource/mcp/one`
  const args = [
    '--http2',
    '-s',
    '-o',
    '/dev/null',
    '-w',
    '%{http_version} %{http_code}',
    '--cacert',
    gateway.caFile,
    url,
  ]
  assert.equal((await promisify(execFile)('curl', args)).stdout, '2 200')
})

/** Resolves with the socket, or the code of the error. */
function handshake(to: TestGateway, options: ConnectionOptions): Promise<TLSSocket | string> {
  return new Promise((resolve) => {
    const port = Number(new URL(to.origin).port)
    const socket = connect({ host: '127.0.0.1', port, ca: readFileSync(to.caFile), ...options }, () => resolve(socket))
    socket.on('error', (error) => resolve(String((error as NodeJS.ErrnoException).code)))
  })
}

const factsOf = (socket: TLSSocket | string) => {
  if (typeof socket === 'string') return socket
  const facts = [socket.getProtocol(), socket.alpnProtocol, socket.getCipher().name]
  socket.destroy()
  return facts
}

test('who offers neither is refused, who offers nothing gets HTTP/1.1, and without TLS there is no HTTP/2', async (t) => {
  assert.equal(await handshake(gateway, { ALPNProtocols: ['h3'] }), 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL')
  assert.deepEqual(factsOf(await handshake(gateway, {}))[1], false)
  assert.deepEqual(factsOf(await handshake(gateway, { ALPNProtocols: ['http/1.1', 'h2'] }))[1], 'h2')
  const plain = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    config: { listen: { port: 0, plaintext: 'loopback-only' } },
  })
  t.after(() => plain.close())
  const socket = connectPlain(Number(new URL(plain.origin).port), '127.0.0.1')
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  const [answer] = await new Promise<readonly [Buffer]>((resolve) => socket.once('data', (chunk) => resolve([chunk])))
  assert.match(answer.toString(), /^HTTP\/1\.1 400 /)
})

test('HTTP/2 can be left out, and TLS 1.2 let in, which is a weakness and has modern suites alone', async (t) => {
  const older = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    config: { listen: { port: 0, tls: { authority: 'local', minVersion: 'TLSv1.2', http2: 'off' } } },
  })
  t.after(() => older.close())
  assert.deepEqual(factsOf(await handshake(older, { ALPNProtocols: ['h2', 'http/1.1'] }))[1], 'http/1.1')
  const only = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
  const [protocol, , suite] = factsOf(await handshake(older, only))
  assert.equal(protocol, 'TLSv1.2')
  assert.match(String(suite), /^ECDHE-ECDSA-.*(?:GCM|POLY1305)/)
  for (const ciphers of ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384', 'AES128-GCM-SHA256'])
    assert.match(String(await handshake(older, { ...only, ciphers })), /HANDSHAKE_FAILURE/, ciphers)
  const renegotiating = (await handshake(older, only)) as TLSSocket
  const error = await new Promise((resolve) => {
    renegotiating.on('error', resolve).once('close', () => resolve('closed'))
    renegotiating.renegotiate({}, (refused) => resolve(refused))
  })
  assert.ok(error !== null && error !== undefined)
  const { recordsOf } = await import('../fixtures/audit.ts')
  const start = recordsOf(older).find((record) => record.kind === 'start')
  assert.ok(start?.kind === 'start' && start.weaknesses.includes('listen.tls.minVersion: TLSv1.2'))
})

test('a session is resumed', async () => {
  const first = (await handshake(gateway, {})) as TLSSocket
  const session = await new Promise<Buffer>((resolve) => first.once('session', resolve))
  first.destroy()
  const second = (await handshake(gateway, { session })) as TLSSocket
  assert.equal(second.isSessionReused(), true)
  second.destroy()
})

/** The group of the key share that a ServerHello names (RFC 8446 §4.2.8), seen on the way. */
async function chosenGroup(options: ConnectionOptions): Promise<number | undefined> {
  const seen: Buffer[] = []
  const relay = createServer((socket) => {
    const onward = connectPlain(Number(new URL(gateway.origin).port), '127.0.0.1')
    onward.on('data', (chunk: Buffer) => seen.push(chunk))
    socket.pipe(onward).pipe(socket)
    for (const one of [socket, onward]) one.on('error', () => {})
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  const { port } = relay.address() as { port: number }
  const socket = connect({ host: '127.0.0.1', port, ca: readFileSync(gateway.caFile), ...options })
  await new Promise((resolve) => socket.once('secureConnect', resolve))
  socket.destroy()
  relay.close()
  // Record head, handshake head, version, random, session id, suite, compression; then the extensions.
  const bytes = Buffer.concat(seen)
  let offset = 5 + 4 + 2 + 32
  offset += 1 + bytes.readUInt8(offset) + 2 + 1 + 2
  while (offset + 4 <= bytes.length) {
    if (bytes.readUInt16BE(offset) === 51) return bytes.readUInt16BE(offset + 4)
    offset += 4 + bytes.readUInt16BE(offset + 2)
  }
  return undefined
}

test('keys are agreed upon with post-quantum help, even by who would rather not', async () => {
  const HYBRID = 0x11ec
  assert.equal(await chosenGroup({}), HYBRID)
  assert.equal(await chosenGroup({ ecdhCurve: 'X25519:X25519MLKEM768' }), HYBRID)
  assert.equal(await chosenGroup({ ecdhCurve: 'X25519' }), 0x1d)
})

test('at the end a session is told, calls under way are answered, and new ones are not taken', async (t) => {
  const own = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }] })
  t.after(() => own.close())
  const leaving = await connectHttp2(own)
  const begun = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  upstream.misbehave(({ message }, response) => {
    if (message?.method !== 'tools/call') return false
    begun.resolve()
    void go.promise.then(() => {
      const result = { resultType: 'complete', content: [{ type: 'text', text: 'late' }] }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
    })
    return true
  })
  const stream = leaving.open(call('echo').body, { headers: call('echo').headers })
  const reply = replyOf(stream)
  await begun.promise
  const told = new Promise((resolve) => leaving.session.once('goaway', resolve))
  const closed = own.close()
  assert.equal(await told, 0)
  go.resolve()
  const { status, json } = await reply
  assert.deepEqual([status, json.result.content[0].text], [200, 'late'])
  await closed
  upstream.misbehave(undefined)
})
