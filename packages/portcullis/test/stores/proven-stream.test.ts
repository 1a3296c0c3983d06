/** CO-2: nothing reaches a PostgreSQL before it is proved. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { TLSSocket } from 'node:tls'
import type { ProveServer } from '../../src/core/tls-agent.ts'
import { ProvenStream } from '../../src/stores/postgres/proven-stream.ts'
import { createTestIdentity } from '../fixtures/certificate.ts'

let identity: Awaited<ReturnType<typeof createTestIdentity>>
before(async () => {
  identity = await createTestIdentity()
})
after(() => identity.remove())

/** Answers the request for TLS with `answer`, and after the handshake everything with itself. */
async function server(answer: string) {
  const seen: Buffer[] = []
  const sockets = new Set<Socket>()
  const listening = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(answer)
      if (answer !== 'S') return
      const { cert, key } = identity
      const secure = new TLSSocket(socket, { isServer: true, cert, key })
      secure.on('error', () => {})
      secure.on('data', (bytes: Buffer) => {
        seen.push(bytes)
        secure.write(bytes)
      })
    })
  })
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const close = () => {
    for (const socket of sockets) socket.destroy()
    listening.close()
  }
  return { port: (listening.address() as AddressInfo).port, seen, close }
}

const good: ProveServer = () => () => Promise.resolve()
const refusing: ProveServer = () => () => Promise.reject(new Error('revoked'))
const throwing: ProveServer = () => {
  throw new Error('no rules to prove it by')
}
const open = (prove: ProveServer) =>
  new ProvenStream({
    host: '127.0.0.1',
    prove,
    tls: { ca: readFileSync(identity.caFile, 'utf8'), minVersion: 'TLSv1.3' },
  })

test('what is written reaches a server that is proved, whole and in order, and so does the answer', async (t) => {
  const { port, close } = await server('S')
  t.after(close)
  const stream = open(good).connect(port, '127.0.0.1')
  await once(stream, 'connect')
  assert.ok(stream.getPeerCertificate()?.raw)
  const large = Buffer.alloc(300_000, 'abc')
  stream.write('one ')
  stream.write('two ')
  stream.write(large)
  let back = Buffer.alloc(0)
  for await (const bytes of stream as AsyncIterable<Buffer>) {
    back = Buffer.concat([back, bytes])
    if (back.length === large.length + 8) break
  }
  assert.ok(back.equals(Buffer.concat([Buffer.from('one two '), large])))
})

const BAD = [
  ['that is not proved', 'S', refusing, /revoked/],
  ['of which the proof cannot begin', 'S', throwing, /no rules/],
  ['without TLS', 'N', good, /does not support SSL/],
  ['behind somebody who adds to its answer', 'SI am the server', good, /does not support SSL/],
] as const

for (const [name, answer, prove, wrong] of BAD) {
  test(`nothing is sent to a server ${name}`, async (t) => {
    const { port, seen, close } = await server(answer)
    t.after(close)
    const stream = open(prove).connect(port, '127.0.0.1')
    stream.on('connect', () => assert.fail('it opened'))
    const [error] = (await once(stream, 'error')) as [Error]
    assert.match(error.message, wrong)
    assert.equal(stream.destroyed, true)
    assert.equal(seen.length, 0)
  })
}

test('it cannot be written to before, and ends with its server', async (t) => {
  const { port, close } = await server('S')
  t.after(close)
  const stream = open(good).connect(port, '127.0.0.1')
  await once(stream, 'connect')
  const closed = once(stream, 'close')
  close()
  await closed
  const early = open(good)
  early.on('error', () => {})
  const failed = new Promise<Error | null | undefined>((resolve) => early.write('x', resolve))
  assert.match(String(await failed), /not proved yet/)
})
