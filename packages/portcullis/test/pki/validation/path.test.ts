import 'reflect-metadata'
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { Extension } from '@peculiar/x509'
import fc from 'fast-check'
import { Anchors, anchorsAndSteps } from '../../../src/pki/validation/anchors.ts'
import { readCertificate } from '../../../src/pki/validation/certificate.ts'
import { findPath, type PathQuestion } from '../../../src/pki/validation/path.ts'
import { CertificateRefused, type RefusalReason } from '../../../src/pki/validation/refused.ts'
import { derOf, makePair, type Pair, pemOf, type Wish } from '../../fixtures/pki-world.ts'

let root: Pair
let issuer: Pair

before(async () => {
  root = await makePair({ subject: 'CN=Root', ca: true })
  issuer = await makePair({ subject: 'CN=Issuer', issuer: root, ca: true })
})

const leafOf = (wish: Wish = {}): Promise<Pair> =>
  makePair({ issuer, names: ['host.example'], usage: [SERVER], ...wish })
const SERVER = '1.3.6.1.5.5.7.3.1'

function find(chain: readonly Pair[], more: Partial<PathQuestion> = {}) {
  return findPath({
    chain: chain.map(derOf),
    anchors: new Anchors([pemOf(root)]),
    now: Date.now(),
    purpose: 'server',
    profile: 'webpki',
    host: 'host.example',
    ...more,
  })
}

function reasonOf(run: () => unknown): RefusalReason | undefined {
  try {
    run()
    return undefined
  } catch (thrown) {
    if (thrown instanceof CertificateRefused) return thrown.reason
    throw thrown
  }
}

/** A context-tagged or universal element of less than 128 octets. */
const der = (tag: number, ...parts: readonly (Buffer | number)[]): Buffer => {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : part)))
  return Buffer.concat([Buffer.of(tag, content.length), content])
}
const ext = (oid: string, critical: boolean, value: Buffer) => new Extension(oid, critical, Uint8Array.from(value))
const dns = (text: string) => der(0x82, Buffer.from(text))

test('a path leads from the leaf to the anchor, whatever the order of what lies between', async () => {
  const lower = await makePair({ subject: 'CN=Lower', issuer, ca: true })
  const leaf = await leafOf({ issuer: lower })
  for (const between of [
    [lower, issuer],
    [issuer, lower, root],
    [issuer, issuer, lower],
  ])
    assert.deepEqual(
      find([leaf, ...between]).map(({ der: found }) => found),
      [leaf, lower, issuer, root].map(derOf),
    )
})

/** What a leaf may say, for the name that is asked for, by the reason for which it is refused. */
const LEAVES: readonly (readonly [
  title: string,
  wish: Wish,
  reason: RefusalReason | undefined,
  profile?: 'private',
])[] = [
  ['nothing special', {}, undefined],
  ['a wildcard for the name', { names: ['*.example.org'] }, 'wrong_name'],
  ['another name', { names: ['other.example'] }, 'wrong_name'],
  ['no names', { names: [], subject: 'CN=host.example' }, 'no_names'],
  ['a wildcard within a label', { names: ['host.example', 'h*.example.org'] }, 'bad_name'],
  ['a wildcard that is not first', { names: ['host.example', 'a.*.example.org'] }, 'bad_name'],
  ['a wildcard for a top-level domain', { names: ['host.example', '*.org'] }, 'bad_name'],
  ['an empty label', { names: ['host.example', 'a..example'] }, 'bad_name'],
  ['an underscore', { names: ['host.example', 'a_b.example'] }, 'bad_name'],
  ['an underscore, in private', { names: ['host.example', 'a_b.example'] }, undefined, 'private'],
  ['a common name that is no name of it', { subject: 'CN=elsewhere.example' }, 'common_name'],
  ['a common name of another case', { subject: 'CN=HOST.example' }, 'common_name'],
  ['a common name that is no name of it, in private', { subject: 'CN=elsewhere.example' }, undefined, 'private'],
  ['no usage', { usage: [] }, 'extended_key_usage'],
  ['another usage', { usage: ['1.3.6.1.5.5.7.3.4'] }, 'extended_key_usage'],
  ['any usage', { usage: ['2.5.29.37.0', SERVER] }, 'extended_key_usage'],
  ['a broken digest', { hash: 'SHA-1' }, 'weak_digest'],
  ['a broken digest, in private', { hash: 'SHA-1' }, 'weak_digest', 'private'],
  ['the bit of authorities', { ca: true }, 'authority_as_server'],
  ['a time that is over', { from: -4, to: -2 }, 'expired'],
  ['a time to come', { from: 2, to: 4 }, 'not_yet_valid'],
  [
    'constraints',
    { extensions: [ext('2.5.29.30', true, der(0x30, der(0xa0, der(0x30, dns('a')))))] },
    'name_constraints',
  ],
  ['an unknown critical extension', { extensions: [ext('1.2.3.4', true, der(0x05))] }, 'extension'],
  ['an unknown extension', { extensions: [ext('1.2.3.4', false, der(0x05))] }, undefined],
  [
    'critical access to information',
    { extensions: [ext('1.3.6.1.5.5.7.1.1', true, der(0x30, der(0x30, der(0x06, 42, 3), der(0x86, 97))))] },
    'extension',
  ],
]

describe('a leaf that has', () => {
  for (const [title, wish, reason, profile = 'webpki'] of LEAVES)
    test(`${title} is ${reason ?? 'good'}`, async () => {
      const leaf = await leafOf({ subject: 'O=Somebody', ...wish })
      assert.equal(
        reasonOf(() => find([leaf, issuer], { profile })),
        reason,
      )
    })
})

const constraint = (kind: 'permitted' | 'excluded', ...bases: readonly Buffer[]): Wish => ({
  extensions: [
    ext('2.5.29.30', true, der(0x30, der(kind === 'permitted' ? 0xa0 : 0xa1, ...bases.map((base) => der(0x30, base))))),
  ],
})

/** What an intermediate may say. */
const AUTHORITIES: readonly (readonly [
  title: string,
  wish: Wish,
  names: readonly string[],
  RefusalReason | undefined,
])[] = [
  ['names below what is permitted', constraint('permitted', dns('example')), ['host.example'], undefined],
  [
    'names beside what is permitted',
    constraint('permitted', dns('other.example')),
    ['host.example'],
    'name_constraints',
  ],
  ['a name that only ends like it', constraint('permitted', dns('ost.example')), ['host.example'], 'name_constraints'],
  ['names that are excluded', constraint('excluded', dns('host.example')), ['host.example'], 'name_constraints'],
  [
    'a wildcard around what is excluded',
    constraint('excluded', dns('bad.sub.example')),
    ['host.example', '*.sub.example'],
    'name_constraints',
  ],
  [
    'addresses beside what is permitted',
    constraint('permitted', der(0x87, 10, 0, 0, 0, 255, 0, 0, 0)),
    ['host.example', '11.0.0.1'],
    'name_constraints',
  ],
  [
    'addresses below what is permitted',
    constraint('permitted', der(0x87, 10, 0, 0, 0, 255, 0, 0, 0)),
    ['host.example', '10.9.8.7'],
    undefined,
  ],
  ['a mask with gaps', constraint('permitted', der(0x87, 10, 0, 0, 0, 255, 0, 255, 0)), ['host.example'], 'malformed'],
  [
    'constraints that are not critical',
    { extensions: [ext('2.5.29.30', false, der(0x30, der(0xa0, der(0x30, dns('example')))))] },
    ['host.example'],
    'extension',
  ],
  ['constraints of nothing', { extensions: [ext('2.5.29.30', true, der(0x30))] }, ['host.example'], 'malformed'],
  [
    'a demand for policies that nobody has',
    { extensions: [ext('2.5.29.36', true, der(0x30, der(0x80, 0)))] },
    ['host.example'],
    'policy',
  ],
  ['a time that is over', { from: -4, to: -2 }, ['host.example'], 'expired'],
  ['no bit of authorities', { ca: false }, ['host.example'], 'not_an_authority'],
  ['a broken digest', { hash: 'SHA-1' }, ['host.example'], 'weak_digest'],
]

describe('below an authority that has', () => {
  for (const [title, wish, names, reason] of AUTHORITIES)
    test(`${title}, a leaf is ${reason ?? 'good'}`, async () => {
      const authority = await makePair({ subject: 'CN=Special', issuer: root, ca: true, ...wish })
      const leaf = await leafOf({ issuer: authority, names, subject: 'O=Somebody' })
      assert.equal(
        reasonOf(() => find([leaf, authority])),
        reason,
      )
    })
})

describe('below an authority with names of its own that it must not vouch for', () => {
  const uri = (text: string) => der(0x86, Buffer.from(text))
  const excluded = constraint('excluded', uri('evil.example'))
  for (const [name, reason] of [
    ['spiffe://good.example/a', undefined],
    ['spiffe://evil.example/a', 'name_constraints'],
    ['spiffe://%65vil.example/a', 'name_constraints'],
    ['spiffe://a@b@evil.example/a', 'name_constraints'],
    ['urn:evil.example', 'name_constraints'],
    ['spiffe://10.0.0.1/a', 'name_constraints'],
  ] as const)
    test(`${name} is ${reason ?? 'good'}`, async () => {
      const authority = await makePair({ subject: 'CN=Special', issuer: root, ca: true, ...excluded })
      const leaf = await leafOf({ issuer: authority, uris: [name], subject: 'O=Somebody' })
      assert.equal(
        reasonOf(() => find([leaf, authority], { profile: 'private' })),
        reason,
      )
    })
})

test('a house with many authorities of its own is no certificate that costs too much', async () => {
  const authorities = await Promise.all(
    Array.from({ length: 40 }, (_, at) => makePair({ subject: `CN=House ${at}`, issuer: root, ca: true })),
  )
  const leaf = await leafOf({ issuer: authorities[39] as Pair })
  assert.equal(find([leaf], { known: authorities.map(derOf) }).length, 3)
  assert.equal(
    reasonOf(() => find([leaf, ...authorities])),
    'too_complex',
  )
})

test('authorities that sign each other are no way, and end', async () => {
  const ring = await Promise.all(['a', 'b', 'c'].map((name) => makePair({ subject: `CN=${name}`, ca: true })))
  const crossed = await Promise.all(
    ring.flatMap((from) =>
      ring
        .filter((to) => to !== from)
        .map(async (to) => ({
          ...(await makePair({ subject: to.certificate.subject, issuer: from, ca: true })),
        })),
    ),
  )
  const leaf = await leafOf({ issuer: crossed[0] as Pair })
  assert.equal(reasonOf(() => find([leaf, ...crossed, ...ring])) !== undefined, true)
})

test('a path that costs too much is refused before it is paid for', async () => {
  // Lengths in their long form: these lists have more than 127 octets.
  const long = (tag: number, content: Buffer) => {
    const length = Buffer.from(content.length.toString(16).padStart(6, '0'), 'hex')
    return content.length < 0x10000
      ? Buffer.concat([Buffer.of(tag, 0x82), length.subarray(1), content])
      : Buffer.concat([Buffer.of(tag, 0x83), length, content])
  }
  const many = (count: number, make: (at: number) => Buffer) =>
    Buffer.concat(Array.from({ length: count }, (_, at) => make(at)))
  const bases = many(700, (at) => der(0x30, dns(`c${at}.example`)))
  const value = long(0x30, long(0xa1, bases))
  const authority = await makePair({
    subject: 'CN=Many',
    issuer: root,
    ca: true,
    extensions: [ext('2.5.29.30', true, value)],
  })
  const names = ['host.example', ...Array.from({ length: 700 }, (_, at) => `n${at}.test`)]
  const leaf = await leafOf({ issuer: authority, names, subject: 'O=Somebody' })
  assert.equal(
    reasonOf(() => find([leaf, authority])),
    'too_complex',
  )
})

test('a leaf that is trusted itself needs no authority, and is held to everything else', async () => {
  const own = await makePair({ names: ['host.example'] })
  const anchors = new Anchors([pemOf(own)])
  assert.equal(find([own], { anchors, profile: 'private' }).length, 1)
  assert.equal(
    reasonOf(() => find([own], { anchors })),
    'untrusted',
  )
  assert.equal(
    reasonOf(() => find([own], { anchors, profile: 'private', host: 'other.example' })),
    'wrong_name',
  )
})

test('a listed authority whose issuer is listed is a step, not an end', async () => {
  const { anchors, known } = anchorsAndSteps([pemOf(issuer), pemOf(root)])
  assert.deepEqual([anchors.size, known.length], [1, 1])
  const leaf = await leafOf()
  assert.equal(
    findPath({ chain: [derOf(leaf), ...known], anchors, now: Date.now(), purpose: 'server', profile: 'webpki' }).length,
    3,
  )
  assert.equal(anchorsAndSteps([pemOf(issuer)]).anchors.size, 1)
})

test('whatever is read is a certificate or is refused', async () => {
  const good = derOf(await leafOf())
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, change, cut) => {
      const bytes = Buffer.from(cut ? good.subarray(0, at) : good)
      if (!cut) bytes[at] = (bytes[at] as number) ^ change
      reasonOf(() => readCertificate(bytes))
    }),
    { numRuns: 400 },
  )
})
