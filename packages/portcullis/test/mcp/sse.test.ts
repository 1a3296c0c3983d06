import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../../src/core/fault.ts'
import { encodeEvent, KEEP_ALIVE, SseDecoder, type SseEvent } from '../../src/mcp/sse.ts'

const decode = (
  chunks: readonly (string | Buffer)[],
  maxBytes = 10_000,
): { events: SseEvent[]; decoder: SseDecoder } => {
  const decoder = new SseDecoder(maxBytes)
  return { decoder, events: chunks.flatMap((chunk) => decoder.push(Buffer.from(chunk as string))) }
}
const texts = (events: readonly SseEvent[]): string[] => events.map((event) => event.data.toString())

describe('SseDecoder', () => {
  it('reads the same events whatever ends a line', () => {
    for (const end of ['\n', '\r', '\r\n']) {
      const { events } = decode([`event: x${end}id: 7${end}data: a${end}data:b${end}${end}data: c${end}${end}`])
      assert.deepEqual(texts(events), ['a\nb', 'c'])
      assert.equal(events[0]?.event, 'x')
      assert.equal(events[0]?.id, '7')
      assert.equal(events[1]?.event, 'message')
      assert.equal(events[1]?.id, undefined)
    }
  })

  it('keeps the last id and the last retry of the stream', () => {
    const { decoder, events } = decode([
      'id: a\nretry: 50\ndata:\n\n',
      'data: x\n\n',
      'retry: soon\nid: b\0c\ndata: y\n\n',
    ])
    assert.equal(decoder.lastEventId, 'a')
    assert.equal(decoder.retryMs, 50)
    assert.deepEqual(texts(events), ['', 'x', 'y'])
  })

  it('counts comments and returns nothing for them', () => {
    const { decoder, events } = decode([': hello\n\n', KEEP_ALIVE])
    assert.equal(events.length, 0)
    assert.equal(decoder.comments, 2)
  })

  it('forgets an event that the stream did not end', () => {
    assert.equal(decode(['data: cut off']).events.length, 0)
  })

  it('strips one byte order mark at the start', () => {
    assert.deepEqual(texts(decode([Buffer.from([0xef]), Buffer.from([0xbb, 0xbf]), 'data: x\n\n']).events), ['x'])
  })

  it('keeps broken UTF-8 as it is, for the parser to refuse', () => {
    const { events } = decode([Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0x0a, 0x0a])])
    assert.deepEqual(events[0]?.data, Buffer.from([0xff]))
  })

  it('refuses an event above the limit, in one line, in many lines and without any line end', () => {
    const floods = [
      ['data: ' + 'x'.repeat(200) + '\n'],
      Array.from({ length: 40 }, () => 'data: xxx\n'),
      ['x'.repeat(60), 'x'.repeat(60)],
    ]
    for (const flood of floods) {
      assert.throws(
        () => decode(flood, 100),
        (thrown) => thrown instanceof Fault && thrown.code === 'upstream.too_large',
      )
    }
  })

  it('does not add up the sizes of small events', () => {
    assert.equal(
      decode(
        Array.from({ length: 100 }, () => 'data: xxxx\n\n'),
        30,
      ).events.length,
      100,
    )
  })

  it('gives the same events wherever the bytes are cut', () => {
    const text = 'id: é\r\ndata: 日本\r\ndata:\r\n\r\n:c\r\rdata: "x"\n\nevent: e\rdata: z\r\r'
    const bytes = Buffer.from(text)
    const whole = decode([bytes]).events
    assert.equal(whole.length, 3)
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length]
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end))
        assert.deepEqual(decode(chunks).events, whole)
      }),
    )
  })
})

describe('encodeEvent', () => {
  it('writes what the decoder reads', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.stringMatching(/^[a-z0-9]{1,8}$/),
        fc.nat(99_999),
        (data, id, retryMs) => {
          const { events } = decode([encodeEvent({ data, id, retryMs, event: 'e' })], 1_000_000)
          assert.equal(events.length, 1)
          assert.equal(events[0]?.data.toString(), data.replace(/\r\n|\r/g, '\n'))
          assert.deepEqual([events[0]?.id, events[0]?.retryMs, events[0]?.event], [id, retryMs, 'e'])
        },
      ),
    )
  })

  it('refuses an id that would start another line', () => {
    for (const id of ['a\nb', 'a\rb', 'a\0']) assert.throws(() => encodeEvent({ data: '', id }), TypeError)
  })
})
