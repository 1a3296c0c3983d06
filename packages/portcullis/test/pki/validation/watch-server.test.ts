/** CO-2: what a session began with is held against the rules as of now, each time it is resumed. */
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { Evidence } from '../../../src/pki/validation/peer-check.ts'
import { watchServer } from '../../../src/pki/validation/watch-server.ts'

const LEAF = Buffer.from('leaf')
const ISSUER = Buffer.from('issuer')

/** As Node shows a connection to a client: one that is resumed has no certificate at all. */
function socket(resumed: boolean): TLSSocket {
  return Object.assign(new EventEmitter(), {
    isSessionReused: () => resumed,
    getPeerCertificate: () => (resumed ? {} : { raw: LEAF, issuerCertificate: { raw: ISSUER } }),
  }) as unknown as TLSSocket
}

test('a resumed session is judged anew, by what its full handshake has shown, and so is what it leads to', async () => {
  const seen: Evidence[] = []
  const watch = watchServer({ verify: async (evidence) => seen.push(evidence) }, 'host.example')
  const [first, second] = [socket(false), socket(true)]
  const verify = watch(first)
  first.emit('OCSPResponse', Buffer.from('staple'))
  await verify()
  const [session, next] = [Buffer.from('session'), Buffer.from('next')]
  first.emit('session', session)
  const again = watch(second, session)
  await again()
  second.emit('session', next)
  await watch(socket(true), next)()
  assert.deepEqual(seen[0], { chain: [LEAF, ISSUER], host: 'host.example', staple: Buffer.from('staple') })
  assert.deepEqual([seen[1] === seen[0], seen[2] === seen[0], seen.length], [true, true, 3])
})

test('a resumed session of which nobody has seen the beginning is refused', async () => {
  const watch = watchServer({ verify: () => Promise.resolve() }, 'host.example')
  const first = socket(false)
  await watch(first)()
  first.emit('session', Buffer.from('session'))
  await assert.rejects(watch(socket(true), Buffer.from('session'))(), { reason: 'untrusted' })
  await assert.rejects(watch(socket(true))(), { reason: 'untrusted' })
})

test('what was shown is known before it is judged, because the ticket may come first', async () => {
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const watch = watchServer({ verify: () => held }, 'host.example')
  const first = socket(false)
  const full = watch(first)()
  const session = Buffer.from('session')
  first.emit('session', session)
  const resumed = watch(socket(true), session)()
  release()
  await Promise.all([full, resumed])
})
