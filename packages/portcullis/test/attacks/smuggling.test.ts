/** Request smuggling and header tricks over a raw TLS socket: refused, and nothing behind them is taken for a request. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { modern, sendRaw, statusesIn } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

let upstream: CountingUpstream
let gateway: TestGateway

before(async () => {
  upstream = await startCounting()
  gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }] })
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

const { body, headers } = modern('tools/call', { name: 'echo', arguments: { text: 'smuggled' } })
const BODY = JSON.stringify(body)

interface Head {
  readonly line?: string
  readonly host?: string
  readonly authorization?: string
  readonly framing?: readonly string[]
  readonly more?: readonly string[]
}

/** A request as text; what a test does not set is right. */
function request(
  { line = 'POST /mcp/one HTTP/1.1', host, authorization, framing, more = [] }: Head,
  text = BODY,
): string {
  return [
    line,
    host ?? `Host: ${new URL(gateway.origin).host}`,
    authorization ?? `Authorization: Bearer ${gateway.token}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(framing ?? [`Content-Length: ${Buffer.byteLength(BODY)}`]),
    ...more,
    'Connection: close',
    '',
    text,
  ].join('\r\n')
}

/** Sends the text and expects every answer to be a refusal, and the upstream to have seen no call. */
async function refused(text: string): Promise<string> {
  const earlier = upstream.count()
  const answer = await sendRaw(gateway, text)
  for (const status of statusesIn(answer)) assert.ok(status >= 400 && status < 500, answer)
  assert.equal(upstream.count(), earlier, answer)
  return answer
}

test('the request that all attacks are made from passes', async () => {
  const earlier = upstream.count()
  assert.deepEqual(statusesIn(await sendRaw(gateway, request({}))), [200])
  assert.equal(upstream.count(), earlier + 1)
})

const chunked = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n0\r\n\r\n`
const LENGTH = `Content-Length: ${Buffer.byteLength(BODY)}`

/** Title, framing headers, body. */
const FRAMINGS: readonly (readonly [string, readonly string[], string])[] = [
  ['Content-Length and Transfer-Encoding', [LENGTH, 'Transfer-Encoding: chunked'], chunked(BODY)],
  ['Transfer-Encoding and Content-Length', ['Transfer-Encoding: chunked', LENGTH], chunked(BODY)],
  ['two lengths that differ', [LENGTH, 'Content-Length: 4'], BODY],
  ['two lengths that agree', [LENGTH, LENGTH], BODY],
  ['a list of lengths', [`${LENGTH}, 4`], BODY],
  ['a length with a sign', [LENGTH.replace(': ', ': +')], BODY],
  ['a length in hexadecimal', ['Content-Length: 0x10'], BODY],
  ['a negative length', ['Content-Length: -1'], BODY],
  ['an unknown coding', ['Transfer-Encoding: identity'], BODY],
  ['a coding after chunked', ['Transfer-Encoding: chunked, gzip'], chunked(BODY)],
  ['two codings', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], chunked(BODY)],
  ['a hidden coding', ['Transfer-Encoding: xchunked'], chunked(BODY)],
  ['a space before the colon', ['Transfer-Encoding : chunked'], chunked(BODY)],
  ['a folded coding', ['Transfer-Encoding:\r\n chunked'], chunked(BODY)],
  ['a chunk size with a sign', ['Transfer-Encoding: chunked'], `+${chunked(BODY)}`],
  ['a header behind the body', ['Transfer-Encoding: chunked'], chunked(BODY).replace(/\r\n$/, 'X-Late: a\r\n\r\n')],
  ['a bare line feed after a chunk size', ['Transfer-Encoding: chunked'], chunked(BODY).replace('\r\n', '\n')],
]

for (const [title, framing, text] of FRAMINGS) {
  test(`${title} is refused`, async () => {
    await refused(request({ framing }, text))
  })
}

test('a request inside the body of a refused one is never answered', async () => {
  for (const framing of [
    ['Content-Length: 5', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked', 'Content-Length: 5'],
    ['Content-Length: 5', `Content-Length: ${request({}).length + 5}`],
  ]) {
    const answer = await refused(request({ framing }, `0\r\n\r\n${request({})}`).replace('Connection: close', 'X: y'))
    assert.equal(statusesIn(answer).length, 1)
  }
})

test('a request behind one that is too large is never answered', async () => {
  const earlier = upstream.count()
  const framing = ['Content-Length: 99999999']
  const answer = await sendRaw(gateway, request({ framing }, request({})).replace('Connection: close', 'X: y'))
  assert.deepEqual(statusesIn(answer), [413])
  assert.equal(upstream.count(), earlier)
})

const TARGETS = [
  'https://other.example/mcp/one',
  'http://127.0.0.1/mcp/one',
  '//other.example/mcp/one',
  '/mcp/%6f%6ee%2f',
  '/mcp%2fone',
  '/mcp%2Fone',
  '/mcp/%2e%2e/mcp/one',
  '/mcp/../mcp/one',
  '/mcp/./one',
  '/mcp//one',
  '/mcp/one/..;/one',
  '/mcp\\one',
  '/mcp/one%00',
  '/mcp/one%',
  '/mcp/o%6ee',
  '*',
  'mcp/one',
]

for (const target of TARGETS) {
  test(`the target ${target} leads to no upstream`, async () => {
    await refused(request({ line: `POST ${target} HTTP/1.1` }))
  })
}

test('an absolute-form target with our own name leads to no upstream either', async () => {
  await refused(request({ line: `POST ${gateway.url} HTTP/1.1` }))
})

const own = () => `Host: ${new URL(gateway.origin).host}`
const bearer = (token: string) => `Authorization: Bearer ${token}`

/** Title, the rest of the head. */
const HEADS: readonly (readonly [string, () => Head])[] = [
  ['two Host headers', () => ({ more: [own()] })],
  ['a second Host of somebody else', () => ({ more: ['Host: evil.example'] })],
  ['two Hosts in one header', () => ({ host: `${own()}, evil.example` })],
  ['no Host', () => ({ host: 'X-Host: a' })],
  ['two Authorization headers', () => ({ more: [bearer('pcl_other')] })],
  ['a good Authorization behind a bad one', () => ({ authorization: bearer('bad'), more: [bearer(gateway.token)] })],
  ['two Origin headers', () => ({ more: [`Origin: ${gateway.origin}`, 'Origin: https://evil.example'] })],
  ['two Mcp-Name headers', () => ({ more: ['Mcp-Name: echo'] })],
  ['two Mcp-Method headers', () => ({ more: ['Mcp-Method: tools/list'] })],
  ['two revisions', () => ({ more: ['MCP-Protocol-Version: 2025-11-25'] })],
  ['two sessions', () => ({ more: ['Mcp-Session-Id: a', 'Mcp-Session-Id: b'] })],
  ['two types', () => ({ more: ['Content-Type: text/plain'] })],
  ['headers that are to follow the body', () => ({ more: ['Trailer: X-Late'] })],
  ['a folded header', () => ({ more: ['X-Folded: a', ' b'] })],
  ['a NUL in a header', () => ({ more: ['X-Nul: a\0b'] })],
  ['a bare carriage return in a header', () => ({ more: ['X-Cr: a\rb'] })],
  ['a bare line feed in a header', () => ({ more: ['X-Lf: a\nAuthorization: Bearer b'] })],
  ['a space in a header name', () => ({ more: ['X Name: a'] })],
  ['an empty header name', () => ({ more: [': a'] })],
  ['an unencoded Mcp-Param', () => ({ more: ['Mcp-Param-Region: \xe4'] })],
  ['HTTP 1.0 without Host', () => ({ line: 'POST /mcp/one HTTP/1.0', host: 'X-Host: a' })],
  ['another protocol', () => ({ line: 'POST /mcp/one HTTP/1.1\r\nPRI * HTTP/2.0' })],
  ['a CONNECT', () => ({ line: 'CONNECT 127.0.0.1:22 HTTP/1.1' })],
]

for (const [title, head] of HEADS) {
  test(`${title} is refused`, async () => {
    await refused(request(head()))
  })
}

test('an upgrade to another protocol is not granted', async () => {
  const answer = await sendRaw(gateway, request({ more: ['Upgrade: websocket', 'Sec-WebSocket-Key: AAAA'] }))
  assert.ok(!statusesIn(answer).includes(101), answer)
})

test('bytes that are no HTTP get a short answer without a hint', async () => {
  const answer = await sendRaw(gateway, 'SSH-2.0-OpenSSH_9.6\r\n\r\n')
  assert.equal(answer, 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
})
