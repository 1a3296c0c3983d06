/** TR-4: an address whose connections are cut off again and again gets no new one, before its handshake; all others are served on. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { FRAME, frame, settings } from '../fixtures/raw-http2.ts'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const PINGS = Buffer.concat(Array.from({ length: 2_000 }, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))))
const BORNE = 2

let upstream: CountingUpstream
let gateway: TestGateway

before(async () => {
  upstream = await startCounting()
  gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    config: { limits: { abusiveConnections: BORNE } },
  })
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

/** Undefined when there is no handshake. */
function openFrom(localAddress: string): Promise<TLSSocket | undefined> {
  const port = Number(new URL(gateway.origin).port)
  const ca = readFileSync(gateway.caFile)
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, localAddress, ca, ALPNProtocols: ['h2'] }
    const socket = connect(options, () => {
      socket.write(Buffer.concat([PREFACE, settings([])]))
      resolve(socket)
    })
    socket.resume().on('error', () => {})
    socket.once('close', () => resolve(undefined))
  })
}

/** Floods over a new connection until it is cut off. */
async function misbehave(localAddress: string): Promise<void> {
  const socket = (await openFrom(localAddress)) ?? assert.fail('no handshake')
  const closed = once(socket, 'close')
  socket.write(PINGS)
  await closed
}

test('whoever floods again and again is kept out before the handshake; what it has open goes on, and so do others', async () => {
  const kept = (await openFrom('127.0.0.5')) ?? assert.fail('no handshake')
  for (let at = 0; at < BORNE; at++) await misbehave('127.0.0.5')
  assert.equal(await openFrom('127.0.0.5'), undefined)
  assert.equal(
    gateway.logged.filter((line) => line.includes('it abused HTTP/2') && line.includes('127.0.0.5')).length,
    1,
  )
  const answered = once(kept, 'data')
  kept.write(frame(FRAME.ping, 0, 0, Buffer.alloc(8)))
  await answered
  kept.destroy()
  const other = (await openFrom('127.0.0.6')) ?? assert.fail('no handshake')
  other.destroy()
  assert.equal((await callTool(gateway, 'echo', { text: 'x' })).status, 200)
})

test('one that floods once is let in again', async () => {
  await misbehave('127.0.0.7')
  const again = (await openFrom('127.0.0.7')) ?? assert.fail('no handshake')
  again.destroy()
})
