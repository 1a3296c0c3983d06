/** CO-5 over HTTP/2: heads that two programs could read differently, frame by frame; refused, and nothing of them reaches an upstream. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { HTTP2_FLOOD } from '../../src/traffic/flood.ts'
import { modern } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import {
  block,
  codeOf,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  type HeaderList,
  isSuccess,
  openRaw,
  type RawHttp2,
  word,
} from '../fixtures/raw-http2.ts'

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
const BODY = Buffer.from(JSON.stringify(body))

type Changes = Readonly<Record<string, string | undefined>>

/** The head of a good request, with some values changed or left out. */
function head(changes: Changes = {}, more: HeaderList = []): HeaderList {
  const good: Changes = {
    ':method': 'POST',
    ':scheme': 'https',
    ':path': '/mcp/one',
    ':authority': new URL(gateway.origin).host,
    authorization: `Bearer ${gateway.token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...headers,
    ...changes,
  }
  const kept = Object.entries(good).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return [...kept, ...more]
}

const request = (list: HeaderList, parts: readonly Buffer[] = [frame(FRAME.data, END_STREAM, 1, BODY)]) => [
  frame(FRAME.headers, END_HEADERS, 1, block(list)),
  ...parts,
]

const isEnd = ({ type, stream, flags }: RawHttp2['frames'][number]): boolean =>
  type === FRAME.goaway || (stream === 1 && (type === FRAME.reset || (flags & END_STREAM) !== 0))

/** True when it was answered with 200. Whatever else happens, the upstream sees a call only then. */
async function passes(frames: readonly Buffer[]): Promise<boolean> {
  const earlier = upstream.count()
  const raw = await openRaw(gateway)
  try {
    raw.send(...frames)
    await raw.until(isEnd)
    const passed = raw.frames.some(isSuccess)
    assert.equal(upstream.count(), earlier + (passed ? 1 : 0))
    return passed
  } finally {
    raw.close()
  }
}

const GOOD: Readonly<Record<string, () => readonly Buffer[]>> = {
  'the request that all attacks are made from': () => request(head()),
  'cookies that come one by one': () =>
    request(
      head({}, [
        ['cookie', 'a=1'],
        ['cookie', 'b=2'],
      ]),
    ),
  'a client that could take trailers': () => request(head({ te: 'trailers' })),
  'a Host that says the same': () => request(head({ host: new URL(gateway.origin).host })),
  'a body in several frames': () =>
    request(head(), [
      frame(FRAME.data, 0, 1, BODY.subarray(0, 9)),
      frame(FRAME.data, 0, 1),
      frame(FRAME.data, END_STREAM, 1, BODY.subarray(9)),
    ]),
}

const again = (name: string): (() => readonly Buffer[]) => {
  return () => request([...head().filter(([one]) => one === name), ...head()])
}
const changed = (changes: Changes) => () => request(head(changes))
const added = (...more: HeaderList) => {
  return () => request(head({}, more))
}

const BAD: Readonly<Record<string, () => readonly Buffer[]>> = {
  'two methods': again(':method'),
  'two schemes': again(':scheme'),
  'two paths': again(':path'),
  'two authorities': again(':authority'),
  'two authorities that differ': () => request([[':authority', 'evil.example'], ...head()]),
  'no method': changed({ ':method': undefined }),
  'no scheme': changed({ ':scheme': undefined }),
  'no path': changed({ ':path': undefined }),
  'no authority': changed({ ':authority': undefined }),
  'a Host instead of an authority': () =>
    request(head({ ':authority': undefined, host: new URL(gateway.origin).host })),
  'a Host beside another authority': changed({ host: 'evil.example' }),
  'an authority of somebody else': changed({ ':authority': 'evil.example' }),
  'an authority of somebody else and our own Host': () =>
    request(head({ ':authority': 'evil.example', host: new URL(gateway.origin).host })),
  'an authority with a name in front': () => request(head({ ':authority': `a@${new URL(gateway.origin).host}` })),
  'an empty authority': changed({ ':authority': '' }),
  'another scheme': changed({ ':scheme': 'http' }),
  'an unknown scheme': changed({ ':scheme': 'ftp' }),
  'an empty path': changed({ ':path': '' }),
  'a star': changed({ ':path': '*' }),
  'an absolute target': () => request(head({ ':path': gateway.url })),
  'an absolute target of somebody else': changed({ ':path': 'https://evil.example/mcp/one' }),
  'dots in the path': changed({ ':path': '/mcp/../mcp/one' }),
  'a path with a line break': changed({ ':path': '/mcp/one\r\nx: y' }),
  'a path with a blank': changed({ ':path': '/mcp/one HTTP/1.1' }),
  'a method with a blank': changed({ ':method': 'POST /mcp/one HTTP/1.1\r\nx:' }),
  'a pseudo-header behind a header': () => {
    const [first, ...rest] = head()
    return request([...rest, ...(first === undefined ? [] : [first])])
  },
  'an unknown pseudo-header': () => request([[':extra', 'a'], ...head()]),
  'the status of an answer': () => request([[':status', '200'], ...head()]),
  'a CONNECT': () =>
    request([
      [':method', 'CONNECT'],
      [':authority', '127.0.0.1:22'],
    ]),
  'a CONNECT with a path': changed({ ':method': 'CONNECT' }),
  'a WebSocket': () => request([[':protocol', 'websocket'], ...head({ ':method': 'CONNECT' })]),
  'a protocol beside another method': () => request([[':protocol', 'websocket'], ...head()]),
  'a connection header': added(['connection', 'keep-alive']),
  'a keep-alive header': added(['keep-alive', 'timeout=5']),
  'a proxy-connection header': added(['proxy-connection', 'keep-alive']),
  'a transfer coding': added(['transfer-encoding', 'chunked']),
  'an upgrade': added(['upgrade', 'websocket']),
  'settings of an upgrade': added(['http2-settings', 'AAMAAABk']),
  'another te': added(['te', 'gzip']),
  'a name in upper case': added(['X-Upper', 'a']),
  'a length that is too short': added(['content-length', '5']),
  'a length that is too long': added(['content-length', '99999']),
  'two lengths': added(['content-length', String(BODY.length)], ['content-length', String(BODY.length)]),
  'a length that is none': added(['content-length', '0x10']),
  'two credentials': added(['authorization', 'Bearer b']),
  'two origins': () => request(head({ origin: gateway.origin }, [['origin', 'https://evil.example']])),
  'an origin of somebody else': changed({ origin: 'https://evil.example' }),
  'two types': added(['content-type', 'text/plain']),
  'two names of a tool': added(['mcp-name', 'echo']),
  'two revisions': added(['mcp-protocol-version', '2025-11-25']),
  'trailers that are announced': added(['trailer', 'x-late']),
  trailers: () =>
    request(head(), [
      frame(FRAME.data, 0, 1, BODY),
      frame(FRAME.headers, END_HEADERS | END_STREAM, 1, block([['x-late', 'a']])),
    ]),
  'a second head without an end': () =>
    request(head(), [frame(FRAME.headers, END_HEADERS, 1, block(head())), frame(FRAME.data, END_STREAM, 1, BODY)]),
  'an even stream': () => [
    frame(FRAME.headers, END_HEADERS, 2, block(head())),
    frame(FRAME.data, END_STREAM, 2, BODY),
    frame(FRAME.data, END_STREAM, 1),
  ],
  'a body before its head': () => [frame(FRAME.data, END_STREAM, 1, BODY)],
  'a frame that is longer than agreed': () => request(head(), [frame(FRAME.data, END_STREAM, 1, Buffer.alloc(20_000))]),
  'a head that is cut into by another frame': () => [
    frame(FRAME.headers, 0, 1, block(head())),
    frame(FRAME.data, END_STREAM, 1, BODY),
  ],
  'a push': () => [frame(FRAME.push, END_HEADERS, 1, Buffer.concat([Buffer.from([0, 0, 0, 2]), block(head())]))],
}

// One after the other: whether the upstream has seen something is asked each time.
describe('over HTTP/2 passes', () => {
  for (const [title, frames] of Object.entries(GOOD)) {
    test(title, async () => assert.ok(await passes(frames())))
  }
})

describe('over HTTP/2 is refused', () => {
  for (const [title, frames] of Object.entries(BAD)) {
    test(title, async () => assert.ok(!(await passes(frames()))))
  }
})

/** The library leaves out a field that can be none (RFC 9113 §8.2.1), so nothing that is in it may count. */
const LEFT_OUT: Readonly<Record<string, (bearer: string) => HeaderList[number]>> = {
  'a line break in a value': (bearer) => ['x-lf', `a\nauthorization: ${bearer}`],
  'a line break in a name': (bearer) => [`x-lf: a\r\nauthorization`, bearer],
  'a NUL behind a value': (bearer) => ['authorization', `${bearer}\0`],
  'a carriage return behind a value': (bearer) => ['authorization', `${bearer}\r`],
  'a blank before a value': (bearer) => ['authorization', ` ${bearer}`],
  'a blank behind a value': (bearer) => ['authorization', `${bearer} `],
  'a blank in a name': (bearer) => ['authorization ', bearer],
  'a colon in a name': (bearer) => ['authorization:', bearer],
  'an empty name': (bearer) => ['', bearer],
}

describe('over HTTP/2 nobody is let in by', () => {
  for (const [title, field] of Object.entries(LEFT_OUT)) {
    test(title, async () => {
      const list = head({ authorization: undefined }, [field(`Bearer ${gateway.token}`)])
      assert.ok(!(await passes(request(list))))
    })
  }
})

test('a call that is cut off before its end is never carried out, however it is cut', async () => {
  const earlier = upstream.count()
  const raw = await openRaw(gateway)
  const cut = (stream: number, code: number, changes: Changes = {}) => [
    frame(FRAME.headers, END_HEADERS, stream, block(head(changes))),
    frame(FRAME.data, 0, stream, BODY),
    frame(FRAME.reset, 0, stream, word(code)),
  ]
  const longer = { 'content-length': String(BODY.length + 9) }
  raw.send(...cut(1, 0), ...cut(3, 8), ...cut(5, 0, longer), ...cut(7, 8, longer))
  raw.send(frame(FRAME.headers, END_HEADERS, 9, block(head())), frame(FRAME.data, END_STREAM, 9, BODY))
  assert.ok(await raw.until((one) => one.stream === 9 && isSuccess(one)))
  assert.equal(upstream.count(), earlier + 1)
  // The others were being read when their end came.
  raw.send(...[11, 13].flatMap((stream) => cut(stream, 0).slice(0, 2)))
  await new Promise((resolve) => setTimeout(resolve, 30))
  raw.send(frame(FRAME.reset, 0, 11, word(0)), frame(FRAME.reset, 0, 13, word(8)))
  raw.send(frame(FRAME.headers, END_HEADERS, 15, block(head())), frame(FRAME.data, END_STREAM, 15, BODY))
  assert.ok(await raw.until((one) => one.stream === 15 && isSuccess(one)))
  assert.equal(upstream.count(), earlier + 2)
  raw.close()
})

test('text of HTTP/1.1 on a connection of HTTP/2 ends it, and the other way round', async () => {
  const raw = await openRaw(gateway)
  raw.send(Buffer.from(`POST /mcp/one HTTP/1.1\r\nHost: ${new URL(gateway.origin).host}\r\n\r\n`))
  await raw.ended
  assert.ok(!raw.frames.some(isSuccess))
  const { sendRaw, statusesIn } = await import('../fixtures/client.ts')
  assert.deepEqual(statusesIn(await sendRaw(gateway, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')), [400])
})

test('an address has no more streams than it may have sockets, on however many connections', async () => {
  const raws = await Promise.all(Array.from({ length: 6 }, () => openRaw(gateway)))
  const fields = block(head())
  const answered = raws.map((raw) => {
    raw.send(...Array.from({ length: 100 }, (_, at) => frame(FRAME.headers, END_HEADERS, 2 * at + 1, fields)))
    raw.send(frame(FRAME.ping, 0, 0, Buffer.alloc(8)))
    return raw.until(({ type, flags }) => type === FRAME.ping && flags === 1)
  })
  await Promise.all(answered)
  const refused = () => raws.flatMap(({ frames }) => frames.filter(({ type }) => type === FRAME.reset))
  await raws.at(-1)?.until(() => refused().length >= 600 - HTTP2_FLOOD.maxStreamsPerAddress)
  assert.deepEqual([refused().length, new Set(refused().map(codeOf))], [88, new Set([7])])
  for (const raw of raws) raw.close()
  await Promise.all(raws.map(({ ended }) => ended))
})

test('more streams at once than are offered are refused, and the others are served', async () => {
  const raw = await openRaw(gateway)
  const open = Array.from({ length: 120 }, (_, at) => frame(FRAME.headers, END_HEADERS, 2 * at + 1, block(head())))
  raw.send(...open)
  await raw.until(({ type, stream }) => type === FRAME.reset && stream === 239)
  const refused = raw.frames.filter((one) => one.type === FRAME.reset)
  assert.deepEqual([refused.length, new Set(refused.map(codeOf))], [20, new Set([7])])
  raw.send(frame(FRAME.data, END_STREAM, 1, BODY))
  assert.ok(await raw.until((one) => one.stream === 1 && isSuccess(one)))
  raw.close()
})
