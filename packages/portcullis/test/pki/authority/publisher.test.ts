/** CO-3: what is published holds when the clock is set back, when an intermediate is revoked, and when a part lacks. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { IssuedLedger } from '../../../src/pki/authority/issued-ledger.ts'
import { LocalAuthority } from '../../../src/pki/authority/local-authority.ts'
import { authorityPlaces } from '../../../src/pki/authority/places.ts'
import { Publisher } from '../../../src/pki/authority/publisher.ts'
import { makeRequest } from '../../../src/pki/authority/request.ts'
import { PkiError } from '../../../src/pki/pki-error.ts'
import { readList } from '../../../src/pki/revocation/crl.ts'
import { ocspRequest } from '../../../src/pki/revocation/ocsp-request.ts'
import { readOcspResponse } from '../../../src/pki/revocation/ocsp-response.ts'
import { readCertificate } from '../../../src/pki/validation/certificate.ts'

const HOUR_MS = 3_600_000
const { request } = await makeRequest()

async function site(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-publisher-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const clock = { at: Date.parse('2026-06-01T00:00:00Z'), now: () => clock.at }
  const authority = await LocalAuthority.open({ folder, clock, url: 'http://pki.example.org' })
  const issue = async () => {
    const wish = { tenant: 'default', use: 'client', names: ['spiffe://example.org/a'], lifeMs: 24 * HOUR_MS } as const
    return authority.issue({ ...wish, request, by: 'key:a' }, () => Promise.resolve())
  }
  const revoke = (serial: string) => authority.revoke(serial, 'superseded', 'key:a', () => Promise.resolve())
  return { folder, clock, authority, issue, revoke, places: authorityPlaces(folder) }
}

const numberOf = (publisher: Publisher, issuer: string): bigint => readList(publisher.list(issuer) as Buffer).number

test('the number of a list grows though the clock is set back, over a restart too', async (t) => {
  const { folder, clock, issue, revoke } = await site(t)
  const { issued } = await issue()
  const first = numberOf(new Publisher(folder, clock), issued.issuer)
  clock.at -= HOUR_MS
  await revoke(issued.serial)
  const publisher = new Publisher(folder, clock)
  const second = numberOf(publisher, issued.issuer)
  assert.ok(second > first, `${first} ${second}`)
  assert.equal(numberOf(publisher, issued.issuer), second, 'the same list is the same')
})

test('the number of the list of the root grows in the same way', async (t) => {
  const { folder, clock, authority, revoke } = await site(t)
  const publisher = new Publisher(folder, clock)
  const first = numberOf(publisher, 'root')
  clock.at -= HOUR_MS
  const [intermediate] = authority.list()
  await revoke(intermediate?.serial ?? '')
  assert.ok(numberOf(publisher, 'root') > first)
})

test('two processes that make lists at once never give one number twice', async (t) => {
  const { places } = await site(t)
  const [one, other] = [new IssuedLedger(places.ledger), new IssuedLedger(places.ledger)]
  const numbers = [one, other, one, other].map((ledger) => ledger.nextListNumber('a', 5))
  assert.deepEqual(numbers, [5, 6, 7, 8])
})

test('what a revoked intermediate has issued is revoked for whoever asks the responder', async (t) => {
  const { folder, clock, authority, issue, revoke } = await site(t)
  const { chain } = await issue()
  const [leaf, issuer] = (chain.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? []).map((pem) =>
    readCertificate(new X509Certificate(pem).raw),
  )
  const link = { certificate: leaf as NonNullable<typeof leaf>, issuer: issuer as NonNullable<typeof issuer> }
  const publisher = new Publisher(folder, clock)
  const ask = async () =>
    (await readOcspResponse(publisher.ocsp(ocspRequest(link, Buffer.alloc(32, 1))), link, clock.now())).status
  assert.equal((await ask()).is, 'good')
  const intermediate = authority.list().find(({ use }) => use === 'authority')
  await revoke(intermediate?.serial ?? '')
  assert.deepEqual(await ask(), { is: 'revoked', at: clock.now(), reason: 4 })
})

test('a list of the root that is gone is told with what to do', async (t) => {
  const { folder, clock, places } = await site(t)
  rmSync(places.rootList)
  assert.throws(() => new Publisher(folder, clock).list('root'), PkiError)
})
