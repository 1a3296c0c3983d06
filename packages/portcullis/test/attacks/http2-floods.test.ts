/** TR-4 over HTTP/2: whoever sends what has to be answered, or is for nothing, without end is told to be calm, and others are served. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { modern } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { connectHttp2, type Http2Client } from '../fixtures/http2-client.ts'
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
  settings,
  word,
} from '../fixtures/raw-http2.ts'

let upstream: CountingUpstream
let gateway: TestGateway
let bystander: Http2Client

before(async () => {
  upstream = await startCounting()
  gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    // All of these come from one address.
    config: { limits: { abusiveConnections: 1_000 } },
  })
  bystander = await connectHttp2(gateway)
})
after(async () => {
  await bystander.close()
  await gateway.close()
  await upstream.close()
})

const head = (): HeaderList => [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':path', '/mcp/one'],
  [':authority', new URL(gateway.origin).host],
  ['authorization', `Bearer ${gateway.token}`],
  ['content-type', 'application/json'],
  ['accept', 'application/json, text/event-stream'],
  ...Object.entries(modern('tools/call', { name: 'echo' }).headers),
]

const opening = (stream: number, fields = block(head())): Buffer => frame(FRAME.headers, END_HEADERS, stream, fields)
const odd = (count: number, part: (stream: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, at) => part(2 * at + 1)))
const times = (count: number, part: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => part))
const many = (list: HeaderList): Buffer => block([...head(), ...list])

/** What is sent; the connection has to end of it. */
const FLOODS: Readonly<Record<string, () => Buffer>> = {
  'streams that are reset at once': () =>
    odd(1_500, (stream) => Buffer.concat([opening(stream), frame(FRAME.reset, 0, stream, word(8))])),
  'streams that it makes us reset': () =>
    odd(1_500, (stream) => Buffer.concat([opening(stream), frame(FRAME.window, 0, stream, word(0x7fffffff))])),
  'continuations without an end': () =>
    Buffer.concat([
      frame(FRAME.headers, 0, 1, block(head())),
      times(200, frame(FRAME.continuation, 0, 1, block([['x', 'y'.repeat(1_000)]]))),
    ]),
  'empty continuations': () =>
    Buffer.concat([frame(FRAME.headers, 0, 1, block(head())), times(5_000, frame(FRAME.continuation, 0, 1))]),
  settings: () => times(2_000, settings([[3, 100]])),
  'settings with too much in them': () => settings(Array.from({ length: 200 }, (_, at) => [0x1000 + at, 1] as const)),
  pings: () => times(2_000, frame(FRAME.ping, 0, 0, Buffer.alloc(8))),
  'empty data': () => Buffer.concat([opening(1), times(2_000, frame(FRAME.data, 0, 1))]),
  'data that is padding': () =>
    Buffer.concat([opening(1), times(60_000, frame(FRAME.data, 8, 1, Buffer.from([9, ...Buffer.alloc(9)])))]),
  'windows one byte wider': () => Buffer.concat([opening(1), times(60_000, frame(FRAME.window, 0, 0, word(1)))]),
  'frames of no known kind': () => Buffer.concat([opening(1), times(60_000, frame(0x42, 0, 0, Buffer.alloc(8)))]),
  'a window that overflows': () => frame(FRAME.window, 0, 0, word(0x7fffffff)),
}

describe('a connection ends that brings', () => {
  for (const [title, frames] of Object.entries(FLOODS)) {
    it(title, async () => {
      const earlier = upstream.count()
      const raw = await openRaw(gateway)
      raw.send(frames())
      await raw.ended
      assert.equal(upstream.count(), earlier)
      assert.equal((await bystander.callTool('echo', {})).status, 200)
    })
  }
})

/** What is refused by its head; the connection may go on. */
const HEADS: Readonly<Record<string, () => Buffer>> = {
  'that is too large': () => many(Array.from({ length: 40 }, (_, at) => [`x-${at}`, 'y'.repeat(1_000)] as const)),
  'with too many headers': () => many(Array.from({ length: 300 }, (_, at) => [`x-${at}`, ''] as const)),
  'that names a kept value again and again': () =>
    Buffer.concat([
      ...[block(head()), Buffer.from([0x40, 1, 0x78, 127, 0xa1, 0x1e]), Buffer.alloc(4_000, 'x')],
      Buffer.alloc(8_000, 0xbe),
    ]),
}

describe('a head over HTTP/2 is refused', () => {
  for (const [title, fields] of Object.entries(HEADS)) {
    it(title, async () => {
      const earlier = upstream.count()
      const raw = await openRaw(gateway)
      const bytes = fields()
      const parts: Buffer[] = []
      for (let at = 0; at < bytes.length; at += 16_000)
        parts.push(frame(at === 0 ? FRAME.headers : FRAME.continuation, 0, 1, bytes.subarray(at, at + 16_000)))
      raw.send(...parts, frame(FRAME.continuation, END_HEADERS, 1), frame(FRAME.data, END_STREAM, 1, Buffer.from('{}')))
      await raw.until(({ type, stream }) => type === FRAME.goaway || stream === 1)
      assert.ok(!raw.frames.some(isSuccess))
      assert.equal(upstream.count(), earlier)
      raw.close()
    })
  }
})

it('some pings are answered, and a flood of them ends the connection', async () => {
  const raw = await openRaw(gateway)
  raw.send(...Array.from({ length: 30 }, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))))
  assert.ok(await raw.until(({ type, flags }) => type === FRAME.ping && flags === 1), 'some pings are answered')
  for (let sent = 0; sent < 40; sent++) raw.send(times(10, frame(FRAME.ping, 0, 0, Buffer.alloc(8))))
  await raw.ended
  const goodbye = raw.frames.find(({ type }) => type === FRAME.goaway)
  if (goodbye !== undefined) assert.equal(codeOf(goodbye), 11)
})
