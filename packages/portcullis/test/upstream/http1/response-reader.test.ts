import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ResponseHead } from '../../../src/upstream/http1/response-head.ts'
import { ResponseReader } from '../../../src/upstream/http1/response-reader.ts'
import { isFault } from '../harness.ts'

interface Read {
  readonly heads: readonly ResponseHead[]
  readonly body: string
  readonly ended: boolean
}

/** Feeds the pieces one after the other; `closed` says that the connection ends after them. */
function read(pieces: readonly Buffer[], closed = false): Read {
  const heads: ResponseHead[] = []
  const body: Buffer[] = []
  let ended = false
  const reader = new ResponseReader()
  reader.begin({
    onHead: (head) => void heads.push(head),
    onData: (chunk) => void body.push(chunk),
    onEnd: () => {
      ended = true
    },
  })
  for (const piece of pieces) reader.push(Buffer.from(piece))
  if (closed) reader.close()
  return { heads, body: Buffer.concat(body).toString('latin1'), ended }
}

const whole = (text: string, closed = false) => read([Buffer.from(text, 'latin1')], closed)

const MESSAGES: readonly { readonly title: string; readonly text: string; readonly body: string; closed?: boolean }[] =
  [
    { title: 'a length', text: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', body: 'hello' },
    { title: 'no reason phrase', text: 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n', body: '' },
    { title: 'no body by status', text: 'HTTP/1.1 204 No Content\r\n\r\n', body: '' },
    {
      title: 'chunks, an extension and a trailer',
      text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nx: y\r\n\r\n',
      body: 'hello',
    },
    { title: 'the end of the connection', text: 'HTTP/1.0 200 OK\r\n\r\nhello', body: 'hello', closed: true },
    {
      title: 'interim responses before it',
      text: 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      body: 'ok',
    },
  ]

describe('ResponseReader', () => {
  for (const { title, text, body, closed } of MESSAGES) {
    it(`reads a response with ${title}, however it is cut`, () => {
      assert.deepEqual([whole(text, closed).body, whole(text, closed).ended], [body, true])
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 12 }), (cuts) => {
          const places = [0, ...cuts.toSorted((a, b) => a - b), text.length]
          const pieces = places.slice(1).map((end, at) => Buffer.from(text.slice(places[at], end), 'latin1'))
          const found = read(pieces, closed)
          assert.deepEqual([found.body, found.ended, found.heads.length], [body, true, 1])
        }),
      )
    })
  }

  const REFUSED: Readonly<Record<string, string>> = {
    'another protocol': 'HTTP/2 200 OK\r\n\r\n',
    'no status': 'HTTP/1.1 OK\r\n\r\n',
    'a bare line feed in the head': 'HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\r\n\r\n',
    'a bare carriage return in a value': 'HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n',
    'a NUL in a value': 'HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n',
    'a space before the colon': 'HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello',
    'a folded line': 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n',
    'no colon': 'HTTP/1.1 200 OK\r\nA\r\n\r\n',
    'a length and chunks': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
    'a list of lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello',
    'a negative length': 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    'a length in hexadecimal': 'HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello',
    'an endless length': `HTTP/1.1 200 OK\r\nContent-Length: ${'9'.repeat(16)}\r\n\r\n`,
    'another transfer coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
    'chunks in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    'chunks without a body': 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n',
    'a change of protocol': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n',
    'bytes behind the response': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n',
    'bytes behind the last chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx',
    'a chunk size that is none': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n',
    'a chunk size with a sign': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n',
    'a chunk size that overflows': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000000000000\r\n',
    'a chunk without its end': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n',
    'a chunk line that ends with a line feed alone': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n',
    'an endless chunk extension': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;${'x'.repeat(2000)}`,
    'too many headers': `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(201)}\r\n`,
    'endless interim responses': 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(9),
  }
  for (const [title, text] of Object.entries(REFUSED)) {
    it(`refuses ${title}`, () => assert.throws(() => whole(text), isFault('upstream.malformed')))
  }

  it('refuses a head that does not end', () => {
    assert.throws(() => whole(`HTTP/1.1 200 OK\r\na: ${'x'.repeat(20_000)}`), isFault('upstream.too_large'))
  })

  it('is not complete when the connection ends before the announced length', () => {
    assert.equal(whole('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel', true).ended, false)
  })

  it('never throws anything but a fault', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), fc.boolean(), (parts, framed) => {
        const start = framed ? [Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')] : []
        try {
          read([...start, ...parts.map((part) => Buffer.from(part))])
        } catch (thrown) {
          assert.ok(isFault('upstream.malformed')(thrown) || isFault('upstream.too_large')(thrown))
        }
      }),
    )
  })
})
