/** CO-2: what the certificate of a client is worth is asked again while its connection lasts. */
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import type { PeerCertificate, PeerRefusal } from '../../src/core/exchange.ts'
import { ClientProof } from '../../src/transport/client-proof.ts'

const CERTIFICATE: PeerCertificate = {
  ...{ thumbprint: 't', subject: 'CN=a', uris: [], dnsNames: [], authority: 'x', expiresAt: 0 },
}

test('a client whose certificate is revoked while it is connected is refused within the hour', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const answer: { says?: PeerRefusal } = {}
  const refused: string[] = []
  const proof = new ClientProof({
    readCertificate: () => CERTIFICATE,
    verify: () => Promise.resolve(answer.says),
    onRefused: (_address, { reason }) => refused.push(reason),
  })
  const [root, leaf] = ['root', 'leaf'].map((text) => ({ raw: Buffer.from(text) }))
  const socket = Object.assign(new EventEmitter(), {
    ...{ authorized: true, remoteAddress: '192.0.2.1', destroy: () => undefined, isSessionReused: () => false },
    getPeerCertificate: () => ({ ...leaf, issuerCertificate: root }),
  }) as never
  proof.meet(socket)
  await proof.waitingFor(socket)
  assert.equal(proof.of(socket)?.certificate, CERTIFICATE)
  answer.says = { reason: 'revoked', detail: {}, isFinal: true }
  assert.equal(proof.of(socket)?.refused, undefined)
  t.mock.timers.tick(3_600_000)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([proof.of(socket)?.refused?.reason, proof.of(socket)?.certificate], ['revoked', undefined])
  assert.deepEqual(refused, ['revoked'])
  ;(socket as EventEmitter).emit('close')
  t.mock.timers.tick(7_200_000)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(refused.length, 1, 'nothing is asked about a connection that is over')
})
