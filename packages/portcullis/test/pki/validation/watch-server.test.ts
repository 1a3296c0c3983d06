import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { Evidence } from '../../../src/pki/validation/peer-check.ts'
import { watchServer } from '../../../src/pki/validation/watch-server.ts'

const LEAF = Buffer.from('leaf')
const ISSUER = Buffer.from('issuer')

/** As Node shows a connection: a resumed one has its leaf alone. */
function socket(resumed: boolean, leaf = LEAF): TLSSocket {
  const issuerCertificate = resumed ? undefined : { raw: ISSUER }
  return Object.assign(new EventEmitter(), {
    isSessionReused: () => resumed,
    getPeerCertificate: () => ({ raw: leaf, issuerCertificate }),
  }) as unknown as TLSSocket
}

test('a resumed session is judged anew, by what its full handshake has shown', async () => {
  const seen: Evidence[] = []
  const watch = watchServer({ verify: async (evidence) => seen.push(evidence) }, 'host.example')
  const first = socket(false)
  const verify = watch(first)
  first.emit('OCSPResponse', Buffer.from('staple'))
  await verify()
  await watch(socket(true))()
  assert.deepEqual(seen[0], { chain: [LEAF, ISSUER], host: 'host.example', staple: Buffer.from('staple') })
  assert.equal(seen[1], seen[0])
})

test('a resumed session whose certificate nobody has seen is refused', async () => {
  const watch = watchServer({ verify: () => Promise.resolve() }, 'host.example')
  await watch(socket(false))()
  await assert.rejects(watch(socket(true, Buffer.from('another')))(), { reason: 'untrusted' })
})

test('what was shown is known before it is judged, because the ticket may come first', async () => {
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const watch = watchServer({ verify: () => held }, 'host.example')
  const full = watch(socket(false))()
  const resumed = watch(socket(true))()
  release()
  await Promise.all([full, resumed])
})
