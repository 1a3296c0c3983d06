/** Parser differentials: a message that two readers could read differently is refused and reaches no upstream. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { callTool, modern, openSession, send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const MAX_BODY_BYTES = 65_536

let upstream: CountingUpstream
let gateway: TestGateway

before(async () => {
  upstream = await startCounting()
  gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    config: { limits: { maxBodyBytes: MAX_BODY_BYTES, maxDepth: 32, maxMembers: 5_000 } },
  })
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

const { body, headers } = modern('tools/call', { name: 'echo', arguments: { text: 'x' } })
const VALID = JSON.stringify(body)
const changed = (from: string | RegExp, to: string): string => {
  const text = VALID.replace(from, to)
  assert.notEqual(text, VALID, 'the attack is in the message')
  return text
}
const nested = (depth: number): string => changed('"text":"x"', `"text":${'['.repeat(depth)}1${']'.repeat(depth)}`)
const bytes = (...parts: readonly (string | readonly number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))
const [head = '', tail = ''] = VALID.split('"text":"x"')

/** Title, body, status, code of the fault. */
const BAD: readonly (readonly [string, string | Buffer, number, string])[] = [
  ['a repeated name at the top', changed('"id":1', '"id":1,"id":2'), 400, 'message.duplicate_key'],
  ['a repeated method', changed('{', '{"method":"ping",'), 400, 'message.duplicate_key'],
  ['a repeated tool name', changed('"name":"echo"', '"name":"echo","name":"other"'), 400, 'message.duplicate_key'],
  [
    'a repeated name that is escaped',
    changed('"name":"echo"', '"name":"echo","n\\u0061me":"x"'),
    400,
    'message.duplicate_key',
  ],
  ['a repeated argument', changed('"text":"x"', '"text":"x","text":"y"'), 400, 'message.duplicate_key'],
  ['a tool name in capitals', changed('"name":"echo"', '"name":"echo","Name":"other"'), 400, 'message.forbidden_name'],
  ['arguments in capitals', changed('"arguments"', '"ARGUMENTS"'), 400, 'message.forbidden_name'],
  [
    'a method in capitals',
    changed('"method":"tools/call"', '"method":"tools/call","Method":"ping"'),
    400,
    'message.invalid',
  ],
  ['a name with a long s', changed('"params":{', '"params":{"argument\\u017f":{},'), 400, 'message.forbidden_name'],
  ['__proto__ among the arguments', changed('"text":"x"', '"__proto__":{"text":"x"}'), 400, 'message.forbidden_name'],
  ['__proto__ that is escaped', changed('"text":"x"', '"\\u005f_proto__":{}'), 400, 'message.forbidden_name'],
  ['constructor.prototype', changed('"text":"x"', '"constructor":{"prototype":{}}'), 400, 'message.forbidden_name'],
  ['an id beyond 2^53', changed('"id":1', '"id":9007199254740993'), 400, 'message.unsafe_number'],
  ['an id that is a fraction', changed('"id":1', '"id":1.5'), 400, 'message.invalid'],
  ['an id that is null', changed('"id":1', '"id":null'), 400, 'message.invalid'],
  ['an id that is an object', changed('"id":1', '"id":{"a":1}'), 400, 'message.invalid'],
  ['a number that overflows', changed('"text":"x"', '"text":1e999'), 400, 'message.unsafe_number'],
  [
    'an unsafe number among the arguments',
    changed('"text":"x"', '"text":9007199254740993'),
    400,
    'message.unsafe_number',
  ],
  ['invalid UTF-8', bytes(head, '"text":"', [0xc3, 0x28], '"', tail), 400, 'message.invalid_utf8'],
  ['overlong UTF-8', bytes(head, '"text":"', [0xc0, 0xaf], '"', tail), 400, 'message.invalid_utf8'],
  ['UTF-8 of a surrogate', bytes(head, '"text":"', [0xed, 0xa0, 0x80], '"', tail), 400, 'message.invalid_utf8'],
  ['a lone surrogate that is escaped', changed('"text":"x"', '"text":"\\ud800"'), 400, 'message.invalid_utf8'],
  ['a byte order mark', bytes([0xef, 0xbb, 0xbf], VALID), 400, 'message.invalid_utf8'],
  ['UTF-16', Buffer.from(VALID, 'utf16le'), 400, 'message.malformed'],
  ['data after the message', `${VALID}{}`, 400, 'message.malformed'],
  ['a second message after a line end', `${VALID}\n${VALID}`, 400, 'message.malformed'],
  ['a NUL after the message', `${VALID}\0`, 400, 'message.malformed'],
  ['a comment', `/* */${VALID}`, 400, 'message.malformed'],
  ['a comma too much', changed('"text":"x"', '"text":"x",'), 400, 'message.malformed'],
  ['single quotes', changed('"text":"x"', "'text':'x'"), 400, 'message.malformed'],
  ['NaN', changed('"text":"x"', '"text":NaN'), 400, 'message.malformed'],
  ['a leading zero', changed('"id":1', '"id":01'), 400, 'message.malformed'],
  ['a raw line end in a string', changed('"text":"x"', '"text":"\n"'), 400, 'message.malformed'],
  ['half a message', VALID.slice(0, -5), 400, 'message.malformed'],
  ['nothing', '', 400, 'message.malformed'],
  ['a batch', `[${VALID}]`, 400, 'message.batch'],
  ['an empty batch', '[]', 400, 'message.batch'],
  ['a string', '"tools/call"', 400, 'message.invalid'],
  ['null', 'null', 400, 'message.invalid'],
  ['no version', changed('"jsonrpc":"2.0",', ''), 400, 'message.invalid'],
  ['another version', changed('"2.0"', '"1.0"'), 400, 'message.invalid'],
  ['an unknown member', changed('{', '{"extra":1,'), 400, 'message.invalid'],
  ['a request that is a response too', changed('{', '{"result":{},'), 400, 'message.invalid'],
  ['params that are a list', changed(/"params":\{.*\}/, '"params":["echo"]}'), 400, 'message.invalid_params'],
  ['a name that is a list', changed('"name":"echo"', '"name":["echo"]'), 400, 'message.invalid_params'],
  ['deep nesting', nested(40), 400, 'message.too_deep'],
  ['very deep nesting', nested(20_000), 400, 'message.too_deep'],
  ['too many members', changed('"text":"x"', `"text":[${'1,'.repeat(5_000)}1]`), 413, 'message.too_large'],
  ['too much', changed('"text":"x"', `"text":"${'x'.repeat(MAX_BODY_BYTES)}"`), 413, 'message.too_large'],
]

for (const [title, message, status, code] of BAD) {
  test(`${title} is refused`, async () => {
    const earlier = upstream.count()
    const reply = await send(gateway, message, { headers })
    assert.deepEqual([reply.status, reply.json?.error?.data?.code], [status, code], reply.text)
    assert.equal(upstream.count(), earlier)
  })
}

test('the message that all attacks were made from passes', async () => {
  const earlier = upstream.count()
  const reply = await send(gateway, VALID, { headers })
  assert.equal(reply.json.result.content[0].text, '{"text":"x"}')
  assert.equal(upstream.count(), earlier + 1)
})

test('a body without an announced length is cut off at the limit', async () => {
  const earlier = upstream.seen.length
  const reply = await send(gateway, Buffer.alloc(4 * MAX_BODY_BYTES, 0x20), {
    headers: { ...headers, 'transfer-encoding': 'chunked' },
  })
  assert.equal(reply.status, 413)
  assert.equal(upstream.seen.length, earlier)
})

test('a message is not read in another type or encoding than the one that is announced', async () => {
  const earlier = upstream.count()
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json-seq', 'text/json']) {
    const reply = await send(gateway, VALID, { headers: { ...headers, 'content-type': type } })
    assert.equal(reply.status, 415, type)
  }
  const { gzipSync } = await import('node:zlib')
  const reply = await send(gateway, gzipSync(VALID), { headers: { ...headers, 'content-encoding': 'gzip' } })
  assert.equal(reply.status, 400)
  assert.equal(upstream.count(), earlier)
})

const MISMATCHES: readonly (readonly [string, Readonly<Record<string, string | undefined>>])[] = [
  ['another tool', { 'mcp-name': 'other' }],
  ['another tool in base64', { 'mcp-name': `=?base64?${Buffer.from('other').toString('base64')}?=` }],
  ['another method', { 'mcp-method': 'tools/list' }],
  ['the method in capitals', { 'mcp-method': 'Tools/Call' }],
  ['another revision', { 'mcp-protocol-version': '2025-11-25' }],
  ['no tool', { 'mcp-name': undefined }],
  ['no method', { 'mcp-method': undefined }],
]

for (const [title, change] of MISMATCHES) {
  test(`a header that says ${title} than the message is refused`, async () => {
    const earlier = upstream.count()
    const kept = Object.entries({ ...headers, ...change }).filter(([, value]) => value !== undefined)
    const reply = await send(gateway, VALID, { headers: Object.fromEntries(kept) as Record<string, string> })
    assert.deepEqual([reply.status, reply.json.error.code], [400, -32020])
    assert.equal(upstream.count(), earlier)
  })
}

test('headers that lie in the legacy era decide nothing and do not pass', async () => {
  const session = await openSession(gateway)
  const message = { jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'echo', arguments: { text: 'x' } } }
  const lies = { 'mcp-method': 'tools/list', 'mcp-name': 'other', 'mcp-param-region': 'lie' }
  const reply = await send(gateway, message, { headers: { ...session, ...lies } })
  assert.equal(reply.json.result.content[0].text, '{"text":"x"}')
  const seen = upstream.seen.at(-1)?.headers ?? {}
  assert.deepEqual([seen['mcp-method'], seen['mcp-name'], seen['mcp-param-region']], ['tools/call', 'echo', undefined])
})

test('what was refused leaves the gateway able to answer', async () => {
  assert.equal((await callTool(gateway, 'echo', { text: 'still here' })).status, 200)
})
