import assert from 'node:assert/strict'
import { once } from 'node:events'
import { it } from 'node:test'
import { connect as tlsConnect } from 'node:tls'
import fc from 'fast-check'
import { readClientHello } from '../../../src/sandbox/egress/client-hello.ts'
import { Refused } from '../../../src/sandbox/egress/refused.ts'
import { clientHello, handshake, helloBody, records, serverNames, vector } from './hello.ts'
import { startHost } from './loopback.ts'

it('reads the name that a real client sends, in however many pieces it comes', async () => {
  const host = await startHost()
  const client = tlsConnect({ host: '127.0.0.1', port: host.port, servername: 'api.example.test' })
  client.on('error', () => {})
  await once(client, 'connect')
  while (host.received() === '') await new Promise((resolve) => setTimeout(resolve, 5))
  client.destroy()
  host.close()
  const bytes = Buffer.from(host.received(), 'latin1')
  assert.deepEqual(readClientHello(bytes), { serverName: 'api.example.test', encrypted: false })
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(readClientHello(bytes.subarray(0, length)), undefined)
  }
})

it('a hello in many records says the same as in one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 200 }), fc.domain(), (recordBytes, name) => {
      const hello = clientHello({ serverName: name, recordBytes })
      assert.deepEqual(readClientHello(hello), { serverName: name, encrypted: false })
    }),
  )
})

it('sees an encrypted hello inside', () => {
  const hello = clientHello({ serverName: 'front.test', extensions: [[0xfe0d, Buffer.alloc(40)]] })
  assert.deepEqual(readClientHello(hello), { serverName: 'front.test', encrypted: true })
})

it('a hello without a name has none', () => {
  const bare = Buffer.concat([Buffer.from([3, 3]), Buffer.alloc(32), Buffer.from([0, 0, 2, 0x13, 1, 1, 0])])
  assert.equal(readClientHello(records(handshake(bare)))?.serverName, undefined)
  assert.equal(readClientHello(clientHello({}))?.serverName, undefined)
})

const name = (body: Buffer) => records(handshake(helloBody(undefined, [[0, body]])))
const BAD: Readonly<Record<string, Buffer>> = {
  HTTP: Buffer.from('GET / HTTP/1.1\r\n'),
  SSH: Buffer.from('SSH-2.0-x'),
  'a hello of SSL 2': Buffer.from([0x80, 0x2e, 1, 0, 2]),
  'an alert': Buffer.from([21, 3, 3, 0, 2, 1, 0]),
  'a version of another protocol': Buffer.from([22, 4]),
  'a record without content': Buffer.from([22, 3, 1, 0, 0]),
  'a record that is too long': Buffer.from([22, 3, 1, 0x40, 1]),
  'another message than a hello': records(handshake(Buffer.alloc(40), 2)),
  'a hello that is too long': records(Buffer.from([1, 1, 0, 0])),
  'too many records': Buffer.concat(Array.from({ length: 40 }, () => Buffer.from([22, 3, 1, 0, 1, 1]))),
  'bytes after the hello in its record': records(Buffer.concat([handshake(helloBody('a.test')), Buffer.alloc(1)])),
  'bytes after the extensions': records(handshake(Buffer.concat([helloBody('a.test'), Buffer.alloc(2)]))),
  'an alert between its records': Buffer.concat([
    clientHello({ serverName: 'a.test' }).subarray(0, 0),
    records(handshake(helloBody('a.test')).subarray(0, 20)),
    Buffer.from([21]),
  ]),
  'a hello that ends in the middle': records(handshake(helloBody('a.test').subarray(0, 60))),
  'two names in one list': name(serverNames(['a.test', 'b.test'])),
  'two lists of names': records(handshake(helloBody('a.test', [[0, serverNames(['b.test'])]]))),
  'an empty name': name(serverNames([''])),
  'an empty list of names': name(vector(2, Buffer.alloc(0))),
  'a name of another kind': name(serverNames(['a.test'], 1)),
  'bytes after the list of names': name(Buffer.concat([serverNames(['a.test']), Buffer.alloc(1)])),
  'a list longer than its extension': name(Buffer.from([0, 9, 0, 0, 1, 97])),
}

for (const [title, bytes] of Object.entries(BAD)) {
  it(`refuses ${title}`, () => {
    assert.throws(
      () => readClientHello(bytes),
      (thrown) => thrown instanceof Refused && thrown.reason === 'not-tls',
    )
  })
}

it('any bytes are a hello, too few, or refused, and nothing else happens', () => {
  const good = clientHello({ serverName: 'a.example.test' })
  const changed = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
    const bytes = Buffer.from(good)
    bytes[at] = byte
    return bytes
  })
  const any = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
  const afterStart = any.map((bytes) => Buffer.concat([good.subarray(0, 46), bytes]))
  fc.assert(
    fc.property(fc.oneof(any, changed, afterStart), (bytes) => {
      try {
        const hello = readClientHello(bytes)
        assert.ok(hello === undefined || typeof hello.encrypted === 'boolean')
      } catch (thrown) {
        assert.ok(thrown instanceof Refused)
      }
    }),
    { numRuns: 2_000 },
  )
})
