import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import type { TestContext } from 'node:test'
import { issueAuthority, issueServer } from '../../src/pki/issue.ts'
import type { Issued } from '../../src/pki/authority/make-certificate.ts'
import { readOwnCertificate } from '../../src/pki/own-certificate.ts'

const DAY_MS = 86_400_000
const NOW = Date.parse('2026-06-01T00:00:00Z')

let authority: Issued
let stranger: Issued
let leaf: Issued

before(async () => {
  authority = await issueAuthority('Test', 100, NOW)
  stranger = await issueAuthority('Stranger', 100, NOW)
  leaf = await issueServer(authority, ['gate.example'], 30, NOW)
})

function files(context: TestContext, certificate: string, key: string, keyMode = 0o600): readonly [string, string] {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-own-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const paths = [join(folder, 'tls.crt'), join(folder, 'tls.key')] as const
  writeFileSync(paths[0], certificate)
  writeFileSync(paths[1], key, { mode: keyMode })
  return paths
}

test('a certificate with its chain and its key is taken, and ends with the first link that ends', (context) => {
  const [certificate, key] = files(context, leaf.certificate + authority.certificate, leaf.key)
  const pair = readOwnCertificate(certificate, key, NOW)
  assert.equal(pair.leaf.checkHost('gate.example'), 'gate.example')
  assert.equal(pair.expiresAt, NOW + 30 * DAY_MS)
})

const BAD: readonly (readonly [
  what: string,
  make: () => readonly [string, string, number?],
  at: number,
  says: RegExp,
])[] = [
  ['the key of another certificate', () => [leaf.certificate, stranger.key], NOW, /is not the key of/],
  [
    'a chain in the wrong order',
    () => [leaf.certificate + stranger.certificate, leaf.key],
    NOW,
    /certificate 2 of .* did not sign certificate 1/,
  ],
  ['an expired certificate', () => [leaf.certificate, leaf.key], NOW + 31 * DAY_MS, /expired on .*; renew it/],
  ['a certificate of the future', () => [leaf.certificate, leaf.key], NOW - DAY_MS, /is not valid before/],
  ['a file without a certificate', () => ['hello', leaf.key], NOW, /holds no certificate/],
  [
    'a broken certificate',
    () => ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', leaf.key],
    NOW,
    /cannot be read/,
  ],
  ['a broken key', () => [leaf.certificate, 'hello'], NOW, /holds no key/],
  ['a key that others can read', () => [leaf.certificate, leaf.key, 0o644], NOW, /can be read by others/],
]

for (const [what, make, at, says] of BAD) {
  test(`${what} is refused in a sentence`, (context) => {
    const [certificateText, keyText, mode] = make()
    const [certificate, key] = files(context, certificateText, keyText, mode)
    assert.throws(() => readOwnCertificate(certificate, key, at), says)
  })
}

test('a file that is not there is refused in a sentence', () => {
  assert.throws(() => readOwnCertificate('/nonexistent.crt', '/nonexistent.key', NOW), /does not exist/)
})
