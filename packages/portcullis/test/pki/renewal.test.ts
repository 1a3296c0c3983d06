import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyPair } from '../../src/pki/key-pair.ts'
import { startRenewal } from '../../src/pki/renewal.ts'

function pair(certificate: string): KeyPair {
  return { certificate, key: 'key', expiresAt: 0, leaf: undefined as never }
}

test('a new pair is passed on once, and a failure keeps the old one and is told', async () => {
  const changes: string[] = []
  const failures: unknown[] = []
  let next: () => KeyPair = () => pair('a')
  const renewal = startRenewal({
    current: pair('a'),
    obtain: () => next(),
    clock: { now: () => 0 },
    onChange: (changed) => changes.push(changed.certificate),
    onFailure: (thrown) => failures.push(thrown),
  })
  await renewal.check()
  assert.deepEqual(changes, [])
  next = () => pair('b')
  await renewal.check()
  await renewal.check()
  assert.deepEqual(changes, ['b'])
  next = () => {
    throw new Error('gone')
  }
  await renewal.check()
  assert.equal(failures.length, 1)
  assert.deepEqual(changes, ['b'])
  renewal.stop()
})
