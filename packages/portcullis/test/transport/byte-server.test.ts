// What anybody may ask over plain HTTP must not be held shut by whoever asks and does not read.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { ByteServer } from '../../src/transport/byte-server.ts'

test('a socket whose client does not read ends, and its place is free again', async (t) => {
  const freed = Promise.withResolvers<void>()
  const server = new ByteServer({
    ...{ host: '127.0.0.1', port: 0, maxBodyBytes: 10, maxConnections: 10, socketMs: 100 },
    gate: { admit: () => true, release: () => freed.resolve() },
    answer: () => ({ status: 200, type: 'text/plain', bytes: Buffer.alloc(8_000_000) }),
    onFailure: (thrown) => assert.fail(String(thrown)),
  })
  t.after(() => server.close())
  const socket = connect(await server.listen(), '127.0.0.1').on('error', () => {})
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await once(socket, 'readable')
  await freed.promise
  socket.destroy()
})

test('an address that has to wait is told for how long, and is not answered', async (t) => {
  const waits: (number | undefined)[] = [undefined, 7]
  let answered = 0
  const server = new ByteServer({
    ...{ host: '127.0.0.1', port: 0, maxBodyBytes: 10, maxConnections: 10 },
    gate: { admit: () => true, release: () => {} },
    waitSeconds: (address) => {
      assert.equal(address, '127.0.0.1')
      return waits.shift()
    },
    answer: () => ({ status: 200 + answered++ }),
    onFailure: (thrown) => assert.fail(String(thrown)),
  })
  t.after(() => server.close())
  const url = `http://127.0.0.1:${await server.listen()}`
  const replies = [await fetch(url), await fetch(url, { method: 'POST', body: 'x' })]
  assert.deepEqual(
    replies.map(({ status, headers }) => [status, headers.get('retry-after')]),
    [
      [200, null],
      [429, '7'],
    ],
  )
  assert.equal(answered, 1)
})
