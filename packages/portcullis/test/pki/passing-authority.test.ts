import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { passingAuthority } from '../../src/pki/passing-authority.ts'

const clock = { now: () => Date.parse('2026-06-01T00:00:00Z') }
const DAY_MS = 86_400_000

test('it signs for one host at a time, and nobody else trusts it', async () => {
  const [one, other] = await Promise.all([passingAuthority(3, clock), passingAuthority(3, clock)])
  const authority = new X509Certificate(one.certificate)
  const { certificate, key } = await one.mintLeaf('api.example')
  const leaf = new X509Certificate(certificate)
  assert.ok(authority.ca && !leaf.ca)
  assert.ok(leaf.verify(authority.publicKey) && leaf.checkIssued(authority))
  assert.ok(!leaf.verify(new X509Certificate(other.certificate).publicKey))
  assert.equal(leaf.subjectAltName, 'DNS:api.example')
  assert.ok(leaf.checkPrivateKey(createPrivateKey(key)))
})

test('it lives as long as its sandbox may, and a leaf no longer than it', async () => {
  const { certificate, mintLeaf } = await passingAuthority(1, clock)
  const until = (pem: string) => new X509Certificate(pem).validToDate.getTime()
  assert.equal(until(certificate), clock.now() + DAY_MS)
  assert.ok(until((await mintLeaf('api.example')).certificate) <= until(certificate))
})

test('its key is not shown by anything that prints', async () => {
  const authority = await passingAuthority(1, clock)
  assert.ok(!`${JSON.stringify(authority)}${inspect(authority, { depth: 9 })}`.includes('PRIVATE'))
})
