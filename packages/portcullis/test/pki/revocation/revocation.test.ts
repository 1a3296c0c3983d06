import 'reflect-metadata'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Extension } from '@peculiar/x509'
import fc from 'fast-check'
import { PkiError } from '../../../src/pki/pki-error.ts'
import { readList } from '../../../src/pki/revocation/crl.ts'
import { diskLists } from '../../../src/pki/revocation/disk-lists.ts'
import { ListFiles } from '../../../src/pki/revocation/list-files.ts'
import { type FetchBytes, FetchedLists } from '../../../src/pki/revocation/lists.ts'
import { OwnStaple } from '../../../src/pki/revocation/own-staple.ts'
import { Responders } from '../../../src/pki/revocation/responders.ts'
import { Revocation, type RevocationOptions } from '../../../src/pki/revocation/revocation.ts'
import { readCertificate } from '../../../src/pki/validation/certificate.ts'
import { CertificateRefused } from '../../../src/pki/validation/refused.ts'
import { derOf, makeCrl, makeOcsp, makePair, nonceOf, type Pair, pemOf, type Wish } from '../../fixtures/pki-world.ts'

const HOUR_MS = 3_600_000
const CRL = 'http://lists.example/a.crl'
const DELTA = 'http://lists.example/delta.crl'
const OCSP = 'http://ocsp.example/'

let issuer: Pair

before(async () => {
  issuer = await makePair({ subject: 'CN=Issuer', ca: true })
})

const leafOf = (wish: Wish = {}): Promise<Pair> => makePair({ issuer, names: ['host.example'], to: 2_400, ...wish })

interface Wanted {
  readonly staple?: Buffer
  readonly now?: number
  readonly profile?: 'private' | 'webpki'
}

interface Scene extends Partial<Omit<RevocationOptions, 'fetch'>> {
  readonly fetch?: FetchBytes
}

function revocation({ fetch, ...more }: Scene = {}) {
  const unknown: unknown[] = []
  const asked: string[] = []
  const one = new Revocation({
    lists: new FetchedLists(),
    responders: new Responders(),
    mode: 'hard-fail',
    files: new ListFiles([], Date.now()),
    onUnknown: (detail) => unknown.push(detail),
    fetch: (url, body) => {
      asked.push(url)
      return fetch === undefined ? Promise.reject(new Error('nobody is there')) : fetch(url, body)
    },
    ...more,
  })
  const ask = async (leaf: Pair, { staple, now = Date.now(), profile = 'private' }: Wanted = {}) => {
    const path = [leaf, issuer].map((pair) => readCertificate(derOf(pair)))
    try {
      await one.assertNotRevoked({ path, profile, now, ...(staple && { staple }) })
      return 'good'
    } catch (thrown) {
      if (thrown instanceof CertificateRefused) return thrown.reason
      throw thrown
    }
  }
  return { ask, unknown, asked }
}

const number = (value: number) => new Extension('2.5.29.27', true, Uint8Array.of(2, 1, value))
const freshest = new Extension(
  '2.5.29.46',
  false,
  Uint8Array.from([
    0x30,
    DELTA.length + 8,
    0x30,
    DELTA.length + 6,
    0xa0,
    DELTA.length + 4,
    0xa0,
    DELTA.length + 2,
    0x86,
    DELTA.length,
    ...Buffer.from(DELTA),
  ]),
)

describe('when a certificate names nobody to ask', () => {
  const CASES = [
    ['private', 'hard-fail', 2_400, 'good'],
    ['private', 'strict', 2_400, 'unnamed'],
    ['webpki', 'hard-fail', 2_400, 'unnamed'],
    ['webpki', 'soft-fail', 2_400, 'good'],
    ['webpki', 'hard-fail', 9 * 24, 'good'],
    ['webpki', 'strict', 9 * 24, 'unnamed'],
  ] as const
  for (const [profile, mode, to, wanted] of CASES)
    test(`of a ${profile} authority, for ${to} hours, ${mode} says ${wanted}`, async () => {
      assert.equal(await revocation({ mode }).ask(await leafOf({ to }), { profile }), wanted)
    })
  test('noRevAvail says that nobody is to be asked (RFC 9608)', async () => {
    const leaf = await leafOf({ extensions: [new Extension('2.5.29.56', false, Uint8Array.of(5, 0))] })
    assert.equal(await revocation({ mode: 'strict' }).ask(leaf, { profile: 'webpki' }), 'good')
  })
})

test('a list is fetched once for all who ask at the same time, and again after an hour', async () => {
  const { ask, asked } = revocation({ fetch: () => makeCrl(issuer) })
  const leaf = await leafOf({ crl: CRL })
  const now = Date.now()
  assert.deepEqual(await Promise.all(Array.from({ length: 50 }, () => ask(leaf))), Array<string>(50).fill('good'))
  assert.deepEqual(asked, [CRL])
  await ask(leaf, { now: now + 2 * HOUR_MS })
  assert.equal(asked.length, 2)
})

test('a list that cannot be fetched any more is good until its date', async () => {
  let isThere = true
  const list = await makeCrl(issuer, { to: 5 })
  const { ask } = revocation({ fetch: () => (isThere ? Promise.resolve(list) : Promise.reject(new Error('gone'))) })
  const leaf = await leafOf({ crl: CRL })
  const now = Date.now()
  assert.equal(await ask(leaf), 'good')
  isThere = false
  assert.equal(await ask(leaf, { now: now + 3 * HOUR_MS }), 'good')
  assert.equal(await ask(leaf, { now: now + 6 * HOUR_MS }), 'crl_unreachable')
})

test('an older list does not take the place of a newer one that is still good', async () => {
  const leaf = await leafOf({ crl: CRL })
  const lists = [await makeCrl(issuer, { number: 9 }), await makeCrl(issuer, { number: 3 })]
  const memory = new FetchedLists()
  const now = Date.now()
  const other = await leafOf({ crl: CRL })
  const [certificate, above] = [other, issuer].map((pair) => readCertificate(derOf(pair)))
  const link = { certificate, issuer: above } as never
  lists[0] = await makeCrl(issuer, { number: 9, revoked: [other] })
  const fetch = () => Promise.resolve(lists.shift() as Buffer)
  assert.equal((await memory.statusOf(link, fetch, now)).is, 'revoked')
  assert.equal((await memory.statusOf(link, fetch, now + 2 * HOUR_MS)).is, 'revoked')
  assert.equal(lists.length, 0)
  assert.ok(leaf)
})

test('what was revoked once stays so, whatever is replayed', async () => {
  const leaf = await leafOf({ ocsp: OCSP })
  let status: 'revoked' | 'good' = 'revoked'
  const { ask } = revocation({ fetch: () => makeOcsp({ about: leaf, issuer, status }) })
  assert.equal(await ask(leaf), 'revoked')
  status = 'good'
  assert.equal(await ask(leaf, { now: Date.now() + 2 * HOUR_MS }), 'revoked')
  assert.equal(await ask(leaf, { staple: await makeOcsp({ about: leaf, issuer }) }), 'revoked')
})

test('a delta tells what happened after its list, and only to that list', async () => {
  const leaf = await leafOf({ crl: CRL })
  const told = async (delta: Buffer) => {
    const base = await makeCrl(issuer, { number: 5, extensions: [freshest] })
    return revocation({ fetch: async (url) => (url === DELTA ? delta : base) }).ask(leaf)
  }
  assert.equal(await told(await makeCrl(issuer, { number: 6, revoked: [leaf], extensions: [number(5)] })), 'revoked')
  assert.equal(await told(await makeCrl(issuer, { number: 6, extensions: [number(5)] })), 'good')
  // A delta of a later list says nothing about what happened between the two.
  assert.equal(await told(await makeCrl(issuer, { number: 9, revoked: [leaf], extensions: [number(8)] })), 'good')
  const { ask } = revocation({ fetch: () => makeCrl(issuer, { number: 6, extensions: [number(5)] }) })
  assert.equal(await ask(leaf), 'crl_scope', 'a delta alone')
})

test('when the responder is silent, the list is asked', async () => {
  const leaf = await leafOf({ crl: CRL, ocsp: OCSP })
  const { ask, asked } = revocation({
    fetch: (url) => (url === CRL ? makeCrl(issuer, { revoked: [leaf] }) : Promise.reject(new Error('silent'))),
  })
  assert.equal(await ask(leaf), 'revoked')
  assert.deepEqual(asked, [OCSP, CRL])
})

test('a responder that failed is not asked again at once', async () => {
  const leaf = await leafOf({ ocsp: OCSP })
  const { ask, asked } = revocation()
  for (let times = 0; times < 5; times++) assert.equal(await ask(leaf), 'ocsp_unreachable')
  assert.equal(asked.length, 1)
  await ask(leaf, { now: Date.now() + 60_000 })
  assert.equal(asked.length, 2)
})

test('a certificate that demands a staple is content with nothing else, in every mode', async () => {
  const leaf = await leafOf({ mustStaple: true, crl: CRL, ocsp: OCSP })
  for (const mode of ['hard-fail', 'soft-fail', 'strict'] as const) {
    const { ask, asked } = revocation({ mode, fetch: () => makeCrl(issuer) })
    assert.equal(await ask(leaf), 'staple_missing')
    assert.equal(await ask(leaf, { staple: await makeOcsp({ about: leaf, issuer }) }), 'good')
    assert.deepEqual(asked, [])
  }
})

test('soft-fail lets through what nobody could say, and says so', async () => {
  const { ask, unknown } = revocation({ mode: 'soft-fail' })
  assert.equal(await ask(await leafOf({ crl: CRL })), 'good')
  assert.equal((unknown[0] as { reason: string }).reason, 'crl_unreachable')
})

test('a delegated responder needs its purpose and the word that nobody asks about it', async () => {
  const noCheck = new Extension('1.3.6.1.5.5.7.48.1.5', false, Uint8Array.of(5, 0))
  const SIGNING = '1.3.6.1.5.5.7.3.9'
  const cases = [
    [{ usage: [SIGNING], extensions: [noCheck] }, 'good'],
    [{ usage: [SIGNING] }, 'ocsp_signer'],
    [{ extensions: [noCheck] }, 'ocsp_signer'],
    [{ usage: [SIGNING], extensions: [noCheck], from: -4, to: -2 }, 'ocsp_signer'],
  ] as const
  for (const [wish, wanted] of cases) {
    const leaf = await leafOf({ ocsp: OCSP })
    const signer = await makePair({ issuer, ...wish })
    const { ask } = revocation({ fetch: () => makeOcsp({ about: leaf, issuer, signer, include: [signer] }) })
    assert.equal(await ask(leaf), wanted, JSON.stringify(wish))
  }
})

test('the request carries a nonce of 32 octets, and the answer may repeat it', async () => {
  const leaf = await leafOf({ ocsp: OCSP })
  const seen: (Buffer | undefined)[] = []
  const { ask } = revocation({
    fetch: (_url, body) => {
      const nonce = nonceOf(body?.bytes as Buffer)
      seen.push(nonce)
      return makeOcsp({ about: leaf, issuer, ...(nonce && { nonce }) })
    },
  })
  assert.equal(await ask(leaf), 'good')
  assert.equal(seen[0]?.length, 32)
})

test('files are read again when they change, and a stale one is told at the start', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-crl-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'a.crl')
  const leaf = await leafOf()
  writeFileSync(file, await makeCrl(issuer))
  const { ask } = revocation({ mode: 'strict', files: new ListFiles([file], Date.now()) })
  assert.equal(await ask(leaf), 'good')
  writeFileSync(file, await makeCrl(issuer, { revoked: [leaf], number: 2 }))
  utimesSync(file, new Date(), new Date(Date.now() + 5_000))
  assert.equal(await ask(leaf), 'revoked')
  writeFileSync(file, await makeCrl(issuer, { from: -9, to: -3 }))
  assert.throws(
    () => new ListFiles([file], Date.now()),
    (thrown) => thrown instanceof PkiError && /past its date/.test(thrown.message),
  )
  writeFileSync(file, 'nothing')
  assert.throws(() => new ListFiles([file], Date.now()), PkiError)
})

test('lists outlive a restart, and what was changed on disk is not believed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-crl-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const store = diskLists(join(folder, 'crls'))
  const leaf = await leafOf({ crl: CRL })
  assert.equal(await revocation({ lists: new FetchedLists(store), fetch: () => makeCrl(issuer) }).ask(leaf), 'good')
  assert.equal(await revocation({ lists: new FetchedLists(store) }).ask(leaf), 'good')
  await store.write(CRL, await makeCrl(await makePair({ subject: 'CN=Issuer', ca: true })))
  assert.equal(await revocation({ lists: new FetchedLists(store) }).ask(leaf), 'crl_unreachable')
})

test('a list that nobody believes takes the place of none that was kept, nor does an older one after a restart', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-crl-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const store = diskLists(join(folder, 'crls'))
  const [leaf, other] = [await leafOf({ crl: CRL }), await leafOf({ crl: CRL })]
  const restarted = (fetch?: FetchBytes) => revocation({ lists: new FetchedLists(store), ...(fetch && { fetch }) })
  assert.equal(await restarted(() => makeCrl(issuer, { number: 9, revoked: [leaf] })).ask(other), 'good')
  const forged = await makeCrl(await makePair({ subject: 'CN=Issuer', ca: true }), { number: 20 })
  assert.equal(await restarted(() => Promise.resolve(forged)).ask(leaf), 'revoked')
  assert.equal(await restarted().ask(leaf), 'revoked')
  assert.equal(await restarted(() => makeCrl(issuer, { number: 3 })).ask(leaf), 'revoked')
})

describe('a certificate that names only places at which nobody here can ask', () => {
  const point = (...content: readonly number[]): Wish => ({
    extensions: [
      new Extension('2.5.29.31', false, Uint8Array.of(0x30, content.length + 2, 0x30, content.length, ...content)),
    ],
  })
  const http = [0xa0, 14, 0xa0, 12, 0x86, 10, ...Buffer.from('http://a/b')]
  const POINTS: readonly (readonly [what: string, Wish])[] = [
    ['a directory', point(0xa0, 14, 0xa0, 12, 0x86, 10, ...Buffer.from('ldap:///a/'))],
    ['a list of some reasons', point(...http, 0x81, 2, 0, 0x40)],
    ['a list of somebody else', point(...http, 0xa2, 2, 0x82, 0)],
  ]
  for (const [what, wish] of POINTS)
    test(`${what}: it is not taken for one that names none`, async () => {
      const leaf = await leafOf(wish)
      assert.equal(await revocation().ask(leaf), 'unnamed')
      const { ask, unknown } = revocation({ mode: 'soft-fail' })
      assert.deepEqual([await ask(leaf), unknown.length], ['good', 1])
    })
})

describe('lists in files', () => {
  const folders: string[] = []
  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  const files = (...lists: readonly Buffer[]): ListFiles => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-crl-'))
    folders.push(folder)
    const names = lists.map((_, at) => join(folder, `${at}.crl`))
    for (const [at, name] of names.entries()) writeFileSync(name, lists[at] as Buffer)
    return new ListFiles(names, Date.now())
  }

  test('count for certificates that say that nobody is to be asked', async () => {
    const leaf = await leafOf({ extensions: [new Extension('2.5.29.56', false, Uint8Array.of(5, 0))] })
    assert.equal(await revocation({ files: files(await makeCrl(issuer, { revoked: [leaf] })) }).ask(leaf), 'revoked')
  })

  test('an older one beside a newer one hides nothing, in either order', async () => {
    const leaf = await leafOf()
    const lists = [await makeCrl(issuer), await makeCrl(issuer, { number: 2, revoked: [leaf] })]
    assert.equal(await revocation({ files: files(...lists) }).ask(leaf), 'revoked')
    assert.equal(await revocation({ files: files(...lists.toReversed()) }).ask(leaf), 'revoked')
  })

  test('a delta without its list is refused at the start, because it would count for nothing', async () => {
    const delta = await makeCrl(issuer, { number: 2, extensions: [number(1)] })
    assert.throws(() => files(delta), PkiError)
  })
})

test('an authority that demands staples demands one of what it has issued (RFC 7633)', async () => {
  const demanding = await makePair({ subject: 'CN=Demanding', issuer, ca: true, mustStaple: true })
  const leaf = await leafOf({ issuer: demanding })
  const path = [leaf, demanding, issuer].map((pair) => readCertificate(derOf(pair)))
  const ask = (staple?: Buffer) =>
    new Revocation({
      ...{ lists: new FetchedLists(), responders: new Responders(), mode: 'hard-fail' as const },
      ...{
        files: new ListFiles([], Date.now()),
        onUnknown: () => {},
        fetch: () => Promise.reject(new Error('nobody')),
      },
    }).assertNotRevoked({ path, profile: 'private', now: Date.now(), ...(staple && { staple }) })
  await assert.rejects(ask(), (thrown) => thrown instanceof CertificateRefused && thrown.reason === 'staple_missing')
  await ask(await makeOcsp({ about: leaf, issuer: demanding }))
})

test('our own staple is fetched, ends with its date, and is none when we are revoked', async () => {
  let now = Date.now()
  let status: 'good' | 'revoked' = 'good'
  const leaf = await leafOf({ ocsp: OCSP })
  const failures: unknown[] = []
  const told: number[] = []
  const staple = new OwnStaple({
    fetch: () => makeOcsp({ about: leaf, issuer, status, to: 2 }),
    clock: { now: () => now },
    onFailure: (error) => failures.push(error),
    onRevoked: (since) => told.push(since),
  })
  await staple.use(pemOf(leaf, issuer))
  assert.ok(staple.current !== undefined)
  now += 3 * HOUR_MS
  assert.equal(staple.current, undefined)
  now -= 3 * HOUR_MS
  status = 'revoked'
  await staple.use(pemOf(leaf, issuer))
  assert.deepEqual([staple.current, told.length], [undefined, 1])
  await staple.use(pemOf(leaf))
  assert.equal(failures.length, 1, 'without its issuer')
  staple.stop()
})

test('whatever is read is a list or is refused', async () => {
  const good = await makeCrl(issuer, { revoked: [await leafOf()], extensions: [freshest] })
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(good)
      bytes[at] = (bytes[at] as number) ^ change
      try {
        readList(bytes).find(Buffer.of(7))
      } catch (thrown) {
        assert.ok(thrown instanceof CertificateRefused)
      }
    }),
  )
})
