import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readClientCertificate } from '../../src/pki/client-certificate.ts'
import { PkiError } from '../../src/pki/pki-error.ts'
import { thumbprintOf, thumbprintsIn } from '../../src/pki/thumbprint.ts'
import { createAuthority } from '../fixtures/client-certificate.ts'

const authority = await createAuthority()
test.after(() => authority.remove())

test('a certificate says who it is, and by which digest it is known', async () => {
  const { der, thumbprint } = await authority.issue({
    subject: 'CN=agent, O=Example',
    names: [
      { type: 'url', value: 'spiffe://example.org/agents/a' },
      { type: 'dns', value: 'a.example.org' },
      { type: 'ip', value: '192.0.2.1' },
      { type: 'email', value: 'a@example.org' },
    ],
    notAfter: 60_000,
  })
  const { expiresAt, ...rest } = readClientCertificate([der, authority.der])
  assert.deepEqual(rest, {
    thumbprint,
    subject: 'CN=agent, O=Example',
    uris: ['spiffe://example.org/agents/a'],
    dnsNames: ['a.example.org'],
    authority: thumbprintOf(authority.der),
  })
  assert.ok(Math.abs(expiresAt - Date.now() - 60_000) < 30_000)
})

test('a certificate without names has none', async () => {
  const { uris, dnsNames } = readClientCertificate([(await authority.issue()).der, authority.der])
  assert.deepEqual([uris, dnsNames], [[], []])
})

test('a name that is written to look like two is one', async () => {
  const value = 'a.example, URI:spiffe://example.org/agents/root'
  const { der } = await authority.issue({ subject: 'CN="a, O=Trusted"', names: [{ type: 'dns', value }] })
  const read = readClientCertificate([der, authority.der])
  assert.deepEqual([read.uris, read.dnsNames], [[], [value]])
  assert.notEqual(read.subject, 'CN=a, O=Trusted')
})

test('bytes that are no certificate are refused', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('abc'), Buffer.alloc(100, 0x30)]) {
    assert.throws(() => readClientCertificate([bytes, authority.der]))
  }
})

test('a certificate that nobody else vouches for is refused', async () => {
  const { der } = await authority.issue()
  for (const chain of [[], [der]]) assert.throws(() => readClientCertificate(chain))
})

test('a file of authorities has the thumbprint of each', (context) => {
  assert.deepEqual(thumbprintsIn(authority.caFile), [thumbprintOf(authority.der)])
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-authorities-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const pem = readFileSync(authority.caFile, 'utf8')
  for (const [text, count] of [
    [`${pem}${pem}`, 2],
    ['', undefined],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', undefined],
  ] as const) {
    const file = join(folder, 'some.pem')
    writeFileSync(file, text)
    if (count === undefined) assert.throws(() => thumbprintsIn(file), PkiError)
    else assert.equal(thumbprintsIn(file).length, count)
  }
})
