import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LastHead } from '../../src/transport/last-head.ts'
import { readPlain } from '../../src/transport/plain-request.ts'

const LIMITS = { maxHeaderBytes: 400, maxHeaders: 20 }

const request = (length: string, more: readonly string[] = [], name = 'Content-Length') =>
  Buffer.from(
    `${['POST /mcp/files?a=1 HTTP/1.1', 'Host: gate.example', `${name}: ${length}`, ...more].join('\r\n')}\r\n\r\n{"a":1}`,
    'latin1',
  )

/** What is read, without what says that it was read before. */
function plain(heads: LastHead, bytes: Buffer) {
  const read = heads.read(bytes)
  if (read === undefined) return undefined
  const { kin: _kin, ...rest } = read
  return { ...rest, headers: { ...rest.headers } }
}

const afresh = (bytes: Buffer) => {
  const read = readPlain(bytes, LIMITS)
  return read && { ...read, headers: { ...read.headers } }
}

describe('the head of the request before', () => {
  it('is the same for what repeats it with any length, and is another as soon as anything else differs', () => {
    const heads = new LastHead(LIMITS)
    const one = heads.read(request('7'))
    assert.equal(one?.kin, undefined)
    const two = heads.read(request('7'))
    const three = heads.read(request('7'))
    const four = heads.read(request('12345'))
    assert.ok(two?.kin !== undefined)
    assert.equal(three?.kin, two.kin)
    assert.equal(four?.kin, two.kin)
    assert.equal(four?.headers['content-length'], '12345')
    assert.equal(two.headers['content-length'], '7')
    const other = heads.read(request('7', ['Authorization: Bearer other']))
    assert.notEqual(other?.kin, two.kin)
    assert.equal(other?.headers['authorization'], 'Bearer other')
    assert.equal(heads.read(request('7'))?.headers['authorization'], undefined)
  })

  it('is kept ever more rarely where none comes again, and at once where one does', () => {
    const heads = new LastHead(LIMITS)
    let kept = 0
    for (let at = 0; at < 1_000; at++) {
      const read = heads.read(request('7', [`Authorization: Bearer ${at}`]))
      assert.equal(read?.headers['authorization'], `Bearer ${at}`)
      if (read?.kin !== undefined) kept++
    }
    assert.ok(kept > 5 && kept < 40, String(kept))
    const settle = () => heads.read(request('7'))?.kin
    for (let at = 0; at < 64; at++) settle()
    const kin = settle()
    assert.ok(kin !== undefined && settle() === kin)
    assert.ok(heads.read(request('7', ['Authorization: Bearer next']))?.kin !== undefined)
  })

  it('cannot be changed by whoever reads it', () => {
    const heads = new LastHead(LIMITS)
    heads.read(request('7'))
    const read = heads.read(request('7'))
    assert.ok(read)
    assert.throws(() => ((read.headers as Record<string, string>)['host'] = 'b'), TypeError)
    assert.equal(heads.read(request('7'))?.headers['host'], 'gate.example')
  })

  for (const length of [
    '',
    '0',
    '00',
    '07',
    '65536',
    '65537',
    '99999',
    '100000',
    '+7',
    '7 ',
    ' 7',
    '7,7',
    '7x',
    'x',
    '-1',
  ]) {
    it(`is read as readPlain reads it with the length ${JSON.stringify(length)}`, () => {
      const heads = new LastHead(LIMITS)
      heads.read(request('7'))
      heads.read(request('7'))
      assert.deepEqual(plain(heads, request(length)), afresh(request(length)))
    })
  }

  it('is held to readPlain, whatever follows what', () => {
    const lines = fc.array(
      fc.constantFrom(
        'X-A: b',
        'X-A: c',
        'Authorization: Bearer a',
        'Authorization: Bearer b',
        'Expect: 100-continue',
        'A : b',
        `X: ${'y'.repeat(330)}`,
      ),
      { maxLength: 3 },
    )
    const honest = fc
      .tuple(
        fc.oneof(fc.nat(70_000).map(String), fc.constantFrom('07', '0', '', '1e3')),
        lines,
        fc.constantFrom('Content-Length', 'content-length', 'Content-Length:'),
      )
      .map(([length, more, name]) => request(length, more, name))
    const cut = fc.tuple(honest, fc.nat(200)).map(([bytes, at]) => bytes.subarray(0, Math.max(1, bytes.length - at)))
    const broken = fc
      .tuple(honest, fc.nat(120), fc.nat(255))
      .map(([bytes, at, byte]) => (bytes.length > at && (bytes[at] = byte), bytes))
    const twice = honest.chain((bytes) => fc.constantFrom(bytes, Buffer.concat([bytes, bytes])))
    fc.assert(
      fc.property(fc.array(fc.oneof(honest, honest, cut, broken, twice), { minLength: 2, maxLength: 8 }), (all) => {
        const heads = new LastHead(LIMITS)
        for (const bytes of all)
          for (let times = 0; times < 3; times++) assert.deepEqual(plain(heads, bytes), afresh(bytes))
      }),
      { numRuns: 400 },
    )
  })
})
