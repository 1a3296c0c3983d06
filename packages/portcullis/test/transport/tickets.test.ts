import assert from 'node:assert/strict'
import { constants } from 'node:crypto'
import { once } from 'node:events'
import { it } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { systemClock } from '../../src/core/clock.ts'
import { listenerTls } from '../../src/pki/tls-options.ts'
import { freshTicketKeys, TICKET_KEY_MS } from '../../src/pki/ticket-keys.ts'
import { FLOOD } from '../../src/traffic/flood.ts'
import { Listener } from '../../src/transport/listener.ts'
import { createTestIdentity } from '../fixtures/certificate.ts'

it('a session is resumed until the key of its ticket is replaced, after an hour and with each certificate', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const identity = await createTestIdentity()
  const pair = { certificate: identity.cert, key: identity.key } as Parameters<typeof listenerTls>[0]
  const listener = new Listener({
    ...{ host: '127.0.0.1', port: 0, clock: systemClock, limits: FLOOD, keepAliveMs: 2 * TICKET_KEY_MS },
    tls: listenerTls(pair),
    serve: () => Promise.reject(new Error('nobody asks')),
    journal: () => undefined,
  })
  const port = await listener.listen()
  t.after(async () => {
    await listener.close(0)
    identity.remove()
  })
  const connected = (session?: Buffer): TLSSocket =>
    connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...(session && { session }) })
  const sessionOf = async (): Promise<Buffer> => {
    const socket = connected()
    const [session] = (await once(socket, 'session')) as [Buffer]
    socket.destroy()
    return session
  }
  const isResumed = async (session: Buffer): Promise<boolean> => {
    const socket = connected(session)
    await once(socket, 'secureConnect')
    const isReused = socket.isSessionReused()
    socket.destroy()
    return isReused
  }
  const renewals = [() => t.mock.timers.tick(TICKET_KEY_MS), () => listener.renew(listenerTls(pair))]
  for (const renew of renewals) {
    const session = await sessionOf()
    assert.equal(await isResumed(session), true)
    renew()
    assert.equal(await isResumed(session), false)
  }
})

it('no two keys of tickets are the same', () => {
  assert.notDeepEqual(freshTicketKeys(), freshTicketKeys())
  assert.equal(freshTicketKeys().length, 48)
})

it('clients with certificates get tickets where nothing older than TLS 1.3 is spoken', async (t) => {
  const identity = await createTestIdentity()
  t.after(() => identity.remove())
  const pair = { certificate: identity.cert, key: identity.key } as Parameters<typeof listenerTls>[0]
  const clients = { authorities: [identity.cert], mode: 'optional' } as const
  const hasTickets = (choices: Parameters<typeof listenerTls>[1]): boolean =>
    ((listenerTls(pair, choices).secureOptions ?? 0) & constants.SSL_OP_NO_TICKET) === 0
  assert.deepEqual(
    [{}, { clients }, { minVersion: 'TLSv1.2' }, { clients, minVersion: 'TLSv1.2' }].map((one) =>
      hasTickets(one as Parameters<typeof listenerTls>[1]),
    ),
    [true, true, true, false],
  )
})
