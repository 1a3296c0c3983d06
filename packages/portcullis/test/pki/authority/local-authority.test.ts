/** CO-3: what the local authority issues, renews and takes back, and what it refuses to do. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { IssuedLedger } from '../../../src/pki/authority/issued-ledger.ts'
import { LocalAuthority, type Wish } from '../../../src/pki/authority/local-authority.ts'
import { authorityPlaces } from '../../../src/pki/authority/places.ts'
import { Publisher } from '../../../src/pki/authority/publisher.ts'
import { makeRequest } from '../../../src/pki/authority/request.ts'
import { openAuthority } from '../../../src/pki/authority.ts'
import { issueAuthority } from '../../../src/pki/issue.ts'
import { checkKeyPair } from '../../../src/pki/key-pair.ts'
import { serverCertificate } from '../../../src/pki/leaf.ts'
import { readList } from '../../../src/pki/revocation/crl.ts'
import { assertList } from '../../../src/pki/revocation/check-list.ts'
import { ocspRequest } from '../../../src/pki/revocation/ocsp-request.ts'
import { readOcspResponse } from '../../../src/pki/revocation/ocsp-response.ts'
import { readCertificate } from '../../../src/pki/validation/certificate.ts'

const DAY_MS = 86_400_000
const NOW = Date.parse('2026-06-01T00:00:00Z')
const URL = 'http://pki.example.org'
const { request } = await makeRequest()
const quiet = () => Promise.resolve()

function site(t: TestContext) {
  const parent = mkdtempSync(join(tmpdir(), 'portcullis-authority-'))
  t.after(() => rmSync(parent, { recursive: true }))
  const folder = join(parent, 'authority')
  const clock = { at: NOW, now: () => clock.at }
  const open = () => LocalAuthority.open({ folder, clock, url: URL })
  return { parent, folder, clock, open, places: authorityPlaces(folder) }
}

const wish = (more: Partial<Wish> = {}): Wish => ({
  ...{ tenant: 'default', use: 'client', names: ['spiffe://example.org/a'], lifeMs: 30 * DAY_MS, request, by: 'key:a' },
  ...more,
})

const linkOf = (chain: string) => {
  const [leaf, issuer] = (chain.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? []).map(
    (pem) => new X509Certificate(pem).raw,
  )
  return { certificate: readCertificate(leaf as Buffer), issuer: readCertificate(issuer as Buffer) }
}

test('after set-up the key of the root is not needed: leaves are issued, revoked and told of without it', async (t) => {
  const { folder, clock, open, places } = site(t)
  await open()
  for (const file of [places.rootKey, places.ledger, places.rootList]) assert.equal(statSync(file).mode & 0o777, 0o600)
  renameSync(places.rootKey, join(folder, '..', 'elsewhere.key'))
  const authority = await open()
  const { chain, issued } = await authority.issue(wish(), quiet)
  const link = linkOf(chain)
  const publisher = new Publisher(folder, clock)
  const ask = async () =>
    readOcspResponse(publisher.ocsp(ocspRequest(link, Buffer.alloc(32, 7))), link, NOW, Buffer.alloc(32, 7))
  const listed = async () => {
    const list = readList(publisher.list(issued.issuer) as Buffer)
    await assertList(list, link, clock.now())
    return list.find(link.certificate.serial)
  }
  assert.deepEqual([(await ask()).status, await listed()], [{ is: 'good' }, undefined])
  await authority.revoke(issued.serial.toUpperCase(), 'key-compromise', 'key:a', quiet)
  const at = NOW
  assert.deepEqual((await ask()).status, { is: 'revoked', at, reason: 1 })
  assert.deepEqual(await listed(), { at, reason: 1 })
  const again = await authority.revoke(issued.serial, 'superseded', 'key:b', quiet)
  assert.deepEqual(again.revoked, { at, reason: 1, by: 'key:a' }, 'the first word counts')
  await assert.rejects(authority.revoke(issued.issuer, 'unspecified', 'x', quiet), /no certificate .* was issued here/)
})

test('an intermediate is followed by another while the root is there; without it that is said, and then refused', async (t) => {
  const { clock, folder, open, places } = site(t)
  const authority = await open()
  const first = await authority.signer()
  clock.at = NOW + 250 * DAY_MS
  const second = await authority.signer()
  assert.notEqual(second.id, first.id)
  const { chain } = await authority.issue(wish(), quiet)
  checkKeyPairOf(chain, second.certificate)
  assert.ok(new Publisher(folder, clock).list(first.id), 'the list of the one before goes on')
  rmSync(places.rootKey)
  assert.equal(await authority.endsSoon(), undefined)
  clock.at = NOW + 550 * DAY_MS
  assert.equal(await authority.endsSoon(), second.leaf.validToDate.getTime())
  const { issued } = await authority.issue(wish({ lifeMs: 300 * DAY_MS }), quiet)
  assert.equal(issued.notAfter, second.leaf.validToDate.getTime(), 'never longer than its issuer')
  clock.at = NOW + 620 * DAY_MS
  await assert.rejects(
    authority.issue(wish(), quiet),
    /expired or is revoked, and the key of its root is not here; bring it back/,
  )
})

function checkKeyPairOf(chain: string, issuer: string): void {
  assert.ok(chain.endsWith(issuer))
  assert.throws(() => checkKeyPair(chain, '', NOW, { certificate: 'chain', key: 'key' }), /key holds no key/)
}

test('a revoked intermediate signs nothing more, and only the root can revoke one', async (t) => {
  const { clock, folder, open, places } = site(t)
  const authority = await open()
  const { leaf, id } = await authority.signer()
  const key = readFileSync(places.rootKey)
  rmSync(places.rootKey)
  await assert.rejects(
    authority.revoke(leaf.serialNumber, 'ca-compromise', 'x', quiet),
    /the key of the root is not in/,
  )
  assert.equal(authority.find(leaf.serialNumber)?.revoked, undefined)
  writeFileSync(places.rootKey, key, { mode: 0o600 })
  await authority.revoke(leaf.serialNumber, 'ca-compromise', 'x', quiet)
  assert.notEqual((await authority.signer()).id, id)
  const list = readList(new Publisher(folder, clock).list('root') as Buffer)
  assert.equal(list.find(Buffer.from(leaf.serialNumber, 'hex'))?.reason, 2)
})

test('what cannot be announced is neither issued nor revoked', async (t) => {
  const { open } = site(t)
  const authority = await open()
  const { issued } = await authority.issue(wish(), quiet)
  const before = authority.list()
  const refuse = () => Promise.reject(new Error('no record'))
  await assert.rejects(authority.issue(wish(), refuse), /no record/)
  await assert.rejects(authority.revoke(issued.serial, 'unspecified', 'x', refuse), /no record/)
  assert.deepEqual(authority.list(), before)
})

const BAD_WISHES: readonly (readonly [what: string, more: Partial<Wish>, says: RegExp])[] = [
  ['a server without a name', { use: 'server', names: [] }, /a server has no name/],
  ['a server with a URI alone', { use: 'server', names: ['spiffe://a/b'] }, /a server has no name/],
  ['a host name with a space', { names: ['a b'] }, /is no name of a certificate; write a host name/],
  ['a wildcard of a client', { names: ['*.example.org'] }, /is no name/],
  ['an address that is none', { names: ['ip:300.1.1.1'] }, /write an address/],
  ['an address with a zone', { names: ['ip:fe80::1%eth0'] }, /without a zone/],
  ['an address with a zone, told by its form', { names: ['fe80::1%eth0'] }, /without a zone/],
  ['a URI that is none', { names: ['uri:nothing'] }, /write a URI/],
  ['one name twice', { names: ['a.example', 'dns:A.example'] }, /is there twice/],
  ['too many names', { names: Array.from({ length: 51 }, (_, at) => `n${at}.example`) }, /too many/],
  ['a subject of two lines', { subject: 'a\nCN=b' }, /no line of text/],
  ['a request that is none', { request: 'nothing' }, /request cannot be read/],
  ['a request that is too long', { request: 'x'.repeat(20_000) }, /is too long/],
  ['a request of another key', { request: tampered(request) }, /not signed by its own key|cannot be read/],
]

function tampered(pem: string): string {
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
}

test('a wish that cannot be is refused in words, and nothing is issued', async (t) => {
  const { open } = site(t)
  const authority = await open()
  const before = authority.list().length
  for (const [what, more, says] of BAD_WISHES) await assert.rejects(authority.issue(wish(more), quiet), says, what)
  assert.equal(authority.list().length, before)
})

test('a ledger that is damaged, gone or open to others stops everything; a line that a crash has cut does not', async (t) => {
  const { folder, open, places } = site(t)
  const authority = await open()
  const { issued } = await authority.issue(wish(), quiet)
  appendFileSync(places.ledger, '{"is":"issued","iss')
  assert.equal(new IssuedLedger(places.ledger).find(issued.issuer, issued.serial)?.tenant, 'default')
  const next = await (await open()).issue(wish(), quiet)
  await authority.revoke(issued.serial, 'superseded', 'x', quiet)
  const whole = readFileSync(places.ledger, 'utf8')
  assert.equal(new IssuedLedger(places.ledger).all().length, 3)
  copyFileSync(places.ledger, join(folder, 'copy'))
  for (const spoilt of [
    whole.replace('"default"', '"another"'),
    whole.replace('"reason":4', '"reason":0'),
    `${whole}{}\n`,
  ]) {
    writeFileSync(places.ledger, spoilt)
    assert.throws(() => new IssuedLedger(places.ledger), /is damaged in line \d; restore it from a backup/)
    await assert.rejects(open(), /is damaged/)
  }
  writeFileSync(places.ledger, whole)
  const used = new IssuedLedger(places.ledger)
  writeFileSync(places.ledger, whole.split('\n').slice(0, 1).join('\n'))
  assert.throws(() => used.all(), /was cut or replaced while it was used/)
  writeFileSync(places.ledger, whole)
  assert.equal((await open()).find(next.issued.serial)?.serial, next.issued.serial)
  rmSync(places.ledger)
  await assert.rejects(open(), /lacks its ledger; restore it/)
  assert.throws(() => authority.list(), /is gone; restore it/)
})

test('many who issue and revoke at once, by several ledgers of one file, lose nothing', async (t) => {
  const { open, places } = site(t)
  await open()
  const authorities = await Promise.all(Array.from({ length: 5 }, open))
  const made = await Promise.all(Array.from({ length: 50 }, async (_, at) => authorities[at % 5]?.issue(wish(), quiet)))
  const serials = new Set(made.map((one) => one?.issued.serial))
  assert.equal(serials.size, 50)
  await Promise.all(
    [...serials]
      .slice(0, 25)
      .map(async (one, at) => authorities[at % 5]?.revoke(String(one), 'superseded', 'x', quiet)),
  )
  const all = new IssuedLedger(places.ledger).all().filter(({ use }) => use === 'client')
  assert.deepEqual(new Set(all.map(({ serial }) => serial)), serials)
  assert.equal(all.filter(({ revoked }) => revoked !== undefined).length, 25)
})

test('of several who begin at once one makes the authority, and all have it', async (t) => {
  const { folder, open } = site(t)
  const signers = await Promise.all(Array.from({ length: 4 }, async () => (await (await open()).signer()).id))
  assert.equal(new Set(signers).size, 1)
  assert.deepEqual(readdirSync(folder).toSorted(), ['ca.crt', 'issuer'])
})

test('a root of an earlier set-up goes on to sign until its key is taken away, and clients can trust both before', async (t) => {
  const { folder, clock, places, parent } = site(t)
  const former = await issueAuthority('Portcullis local authority', 3650, NOW)
  await openAuthority(folder, clock).catch(() => {})
  rmSync(places.issuer, { recursive: true })
  writeFileSync(places.bundle, former.certificate)
  writeFileSync(places.formerKey, former.key, { mode: 0o600 })
  const first = await serverCertificate(folder, [], { clock })
  assert.ok(first.leaf.verify(new X509Certificate(former.certificate).publicKey))
  await LocalAuthority.open({ folder, clock })
  const bundle = readFileSync(places.bundle, 'utf8')
  assert.ok(
    bundle.startsWith(former.certificate.trimEnd()) && bundle.includes(readFileSync(places.root, 'utf8').trim()),
  )
  assert.equal(
    (await serverCertificate(folder, [], { clock })).certificate,
    first.certificate,
    'nothing changes by itself',
  )
  renameSync(places.formerKey, join(parent, 'former.key'))
  const next = await serverCertificate(folder, [], { clock })
  assert.notEqual(next.certificate, first.certificate)
  assert.equal(readFileSync(places.bundle, 'utf8'), bundle)
})

test('the certificate of the listener is made anew when it is revoked, and when it has to say where to ask', async (t) => {
  const { folder, clock } = site(t)
  const first = await serverCertificate(folder, [], { clock })
  assert.equal(first.leaf.infoAccess, undefined)
  const told: string[] = []
  const onIssued = ({ serial }: { serial: string }) => told.push(serial)
  const second = await serverCertificate(folder, [], { clock, url: URL, onIssued })
  assert.match(second.leaf.infoAccess ?? '', /OCSP - URI:http:\/\/pki.example.org\/pki\/ocsp/)
  assert.equal((await serverCertificate(folder, [], { clock, url: URL, onIssued })).certificate, second.certificate)
  const authority = await LocalAuthority.open({ folder, clock, url: URL })
  await authority.revoke(second.leaf.serialNumber, 'superseded', 'x', quiet)
  const third = await serverCertificate(folder, [], { clock, url: URL, onIssued })
  assert.deepEqual(
    told,
    [second, third].map(({ leaf }) => leaf.serialNumber.toLowerCase()),
  )
})

test('the responder says of questions that it cannot read, or that are not its own, that they are so', async (t) => {
  const { folder, clock, open } = site(t)
  const authority = await open()
  const { chain } = await authority.issue(wish(), quiet)
  const publisher = new Publisher(folder, clock)
  const link = linkOf(chain)
  const unsaid = (bytes: Buffer) => publisher.ocsp(bytes).toString('hex')
  assert.equal(
    unsaid(ocspRequest({ ...link, issuer: link.certificate }, Buffer.alloc(32))),
    '30030a0106',
    'unauthorized',
  )
  assert.equal(unsaid(Buffer.alloc(0)), '30030a0101', 'malformed')
  assert.equal(unsaid(Buffer.alloc(10_000, 0x30)), '30030a0101')
  const good = ocspRequest(link, Buffer.alloc(32, 1))
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const bytes = Buffer.from(good)
      bytes[at] = (bytes[at] ?? 0) ^ flip
      publisher.ocsp(bytes)
      publisher.ocsp(bytes.subarray(0, at))
    }),
    { numRuns: 100 },
  )
  const never = { ...link, certificate: { ...link.certificate, serial: Buffer.from('7fffffffffffffff', 'hex') } }
  const bytes = publisher.ocsp(ocspRequest(never, Buffer.alloc(32, 2)))
  await assert.rejects(readOcspResponse(bytes, never, NOW, Buffer.alloc(32, 2)), /does not know the certificate/)
})
