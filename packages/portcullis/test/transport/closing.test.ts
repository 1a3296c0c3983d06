import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { systemClock } from '../../src/core/clock.ts'
import { listenerTls } from '../../src/pki/tls-options.ts'
import { FLOOD, HTTP2_FLOOD } from '../../src/traffic/flood.ts'
import { Listener } from '../../src/transport/listener.ts'
import { createTestIdentity } from '../fixtures/certificate.ts'

it('a connection that becomes the first of HTTP/2 while the listener closes does not hold it up', async (t) => {
  const identity = await createTestIdentity()
  t.after(() => identity.remove())
  const pair = { certificate: identity.cert, key: identity.key } as Parameters<typeof listenerTls>[0]
  const met = Promise.withResolvers<void>()
  const listener = new Listener({
    ...{ host: '127.0.0.1', port: 0, clock: systemClock, limits: FLOOD, keepAliveMs: 60_000 },
    tls: listenerTls(pair, { http2: true }),
    http2: { limits: HTTP2_FLOOD, gate: undefined },
    gate: {
      admit() {
        met.resolve()
        return true
      },
      release: () => {},
    },
    serve: () => Promise.reject(new Error('nobody asks')),
    journal: () => undefined,
  })
  const socket = connect(await listener.listen(), '127.0.0.1')
  await Promise.all([once(socket, 'connect'), met.promise])
  // The grace is longer than the whole suite may take.
  const closed = listener.close(3_600_000)
  const secure = connectTls({ socket, ALPNProtocols: ['h2'], rejectUnauthorized: false }).on('error', () => {})
  await closed
  assert.equal(secure.alpnProtocol === 'h2' || secure.destroyed, true)
})
