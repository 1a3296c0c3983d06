import assert from 'node:assert/strict'
import http from 'node:http'
import { duplexPair } from 'node:stream'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readPlain } from '../../src/transport/plain-request.ts'

const LIMITS = { maxHeaderBytes: 16_384, maxHeaders: 100 }

const request = (lines: readonly string[], body = '') => Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1')

const PLAIN = [
  'POST /mcp/files HTTP/1.1',
  'Host: gate.example:8443',
  'Content-Type: application/json',
  'Content-Length: 2',
]

describe('a plain request', () => {
  it('is read whole', () => {
    const bytes = request(PLAIN, '{}')
    const read = readPlain(bytes, LIMITS)
    assert.equal(read?.target, '/mcp/files')
    assert.deepEqual(
      { ...read?.headers },
      {
        host: 'gate.example:8443',
        'content-type': 'application/json',
        'content-length': '2',
      },
    )
    assert.equal(bytes.toString('latin1', read?.start, read?.end), '{}')
  })

  it('may lack some of its body', () => {
    const bytes = request(PLAIN)
    assert.equal(readPlain(bytes, LIMITS)?.end, bytes.length + 2)
  })

  const others: Readonly<Record<string, readonly string[]>> = {
    'another method': ['GET /mcp HTTP/1.1', 'Host: a', 'Content-Length: 2'],
    'another version': ['POST /mcp HTTP/1.0', 'Host: a', 'Content-Length: 2'],
    'an absolute target': ['POST https://a/mcp HTTP/1.1', 'Host: a', 'Content-Length: 2'],
    'two blanks in its first line': ['POST  /mcp HTTP/1.1', 'Host: a', 'Content-Length: 2'],
    'no host': ['POST /mcp HTTP/1.1', 'Content-Length: 2'],
    'no length': ['POST /mcp HTTP/1.1', 'Host: a'],
    'a signed length': ['POST /mcp HTTP/1.1', 'Host: a', 'Content-Length: +2'],
    'a length with a leading zero': ['POST /mcp HTTP/1.1', 'Host: a', 'Content-Length: 02'],
    'two lengths': ['POST /mcp HTTP/1.1', 'Host: a', 'Content-Length: 2', 'content-length: 2'],
    'a list of lengths': ['POST /mcp HTTP/1.1', 'Host: a', 'Content-Length: 2, 2'],
    'a transfer coding': ['POST /mcp HTTP/1.1', 'Host: a', 'Content-Length: 2', 'Transfer-Encoding: chunked'],
    'a name with a blank': ['POST /mcp HTTP/1.1', 'Host: a', 'Content-Length : 2'],
    'a folded line': ['POST /mcp HTTP/1.1', 'Host: a', ' b', 'Content-Length: 2'],
    'a bare line feed': ['POST /mcp HTTP/1.1', 'Host: a\nX: b', 'Content-Length: 2'],
    'a bare carriage return': ['POST /mcp HTTP/1.1', 'Host: a\rX: b', 'Content-Length: 2'],
    'a null': ['POST /mcp HTTP/1.1', 'Host: a\0', 'Content-Length: 2'],
    'a letter beyond ASCII': ['POST /mcp HTTP/1.1', 'Host: a', 'X: ä', 'Content-Length: 2'],
    'a header twice': ['POST /mcp HTTP/1.1', 'Host: a', 'Authorization: a', 'authorization: b', 'Content-Length: 2'],
    'an expectation': ['POST /mcp HTTP/1.1', 'Host: a', 'Expect: 100-continue', 'Content-Length: 2'],
    'an upgrade': ['POST /mcp HTTP/1.1', 'Host: a', 'Upgrade: websocket', 'Content-Length: 2'],
    'a connection that is not kept': ['POST /mcp HTTP/1.1', 'Host: a', 'Connection: close', 'Content-Length: 2'],
    'a prototype for a header': ['POST /mcp HTTP/1.1', 'Host: a', '__proto__: b', 'Content-Length: 2'],
    'more headers than allowed': [
      'POST /mcp HTTP/1.1',
      'Host: a',
      'Content-Length: 2',
      ...Array.from({ length: 99 }, (_, at) => `X-${at}: a`),
    ],
    'a head longer than allowed': ['POST /mcp HTTP/1.1', 'Host: a', 'Content-Length: 2', `X: ${'a'.repeat(17_000)}`],
    'a body longer than is waited for': ['POST /mcp HTTP/1.1', 'Host: a', 'Content-Length: 65537'],
  }
  for (const [what, lines] of Object.entries(others)) {
    it(`is none with ${what}`, () => assert.equal(readPlain(request(lines, '{}'), LIMITS), undefined))
  }
})

interface Seen {
  readonly url: string | undefined
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** What node:http makes of the bytes: undefined when it refuses them, or sees no whole request or more than one. */
async function seenByNode(bytes: Buffer): Promise<Seen | undefined> {
  const seen: Seen[] = []
  const server = http.createServer({ joinDuplicateHeaders: true }, (incoming, outgoing) => {
    const parts: Buffer[] = []
    incoming.on('data', (part: Buffer) => parts.push(part))
    incoming.on('end', () => {
      seen.push({ url: incoming.url, headers: incoming.headers, body: Buffer.concat(parts).toString('latin1') })
      outgoing.end()
    })
  })
  let refused = false
  server.on('clientError', () => {
    refused = true
  })
  const [near, far] = duplexPair()
  far.resume()
  server.emit('connection', near)
  far.end(bytes)
  await new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))))
  far.destroy()
  near.destroy()
  return refused || seen.length !== 1 ? undefined : seen[0]
}

/** Pieces of requests, honest and not, so that most of what is put together is nearly one. */
const piece = fc.oneof(
  fc.constantFrom(
    'POST ',
    '/mcp',
    ' HTTP/1.1',
    '\r\n',
    '\r\n\r\n',
    '\n',
    '\r',
    ' ',
    '\t',
    ':',
    ': ',
    'Host: a',
    'Content-Length: 2',
    'Content-Length: 0',
    'content-length: 2',
    'Transfer-Encoding: chunked',
    'X: y',
    'X:y',
    'X:  y ',
    '{}',
    '\0',
    'é',
    '{}POST / HTTP/1.1',
    'Connection: keep-alive',
  ),
  fc.string({ maxLength: 3 }),
)

describe('what is read as plain', () => {
  it('is read by node:http alike, whatever was put in, left out or doubled', async () => {
    let plain = 0
    const base = [
      'POST /mcp HTTP/1.1',
      '\r\n',
      'Host: a',
      '\r\n',
      'Content-Length: 2',
      '\r\n',
      'X-Y: z',
      '\r\n\r\n',
      '{}',
    ]
    const edit = fc.record({ at: fc.nat(base.length), drop: fc.nat(1), add: fc.array(piece, { maxLength: 3 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { maxLength: 2 }), async (edits) => {
        const parts = [...base]
        for (const { at, drop, add } of edits) parts.splice(at, drop, ...add)
        const bytes = Buffer.from(parts.join(''), 'latin1')
        const read = readPlain(bytes, LIMITS)
        if (read === undefined || bytes.length < read.end) return
        plain++
        const one = bytes.subarray(0, read.end)
        const seen = await seenByNode(one)
        assert.deepEqual(
          { url: read.target, headers: { ...read.headers }, body: one.toString('latin1', read.start) },
          seen && { ...seen, headers: { ...seen.headers } },
        )
      }),
      { numRuns: 1_500 },
    )
    assert.ok(plain > 100, `only ${plain} were plain`)
  })
})
