/** The known ways to forge a JWT (RFC 8725, published tool tricks): one answer for all, nobody asked, no upstream reached. */
import assert from 'node:assert/strict'
import { createHash, createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type CryptoKey, exportJWK, exportSPKI, importJWK } from 'jose'
import type { Reply } from '../fixtures/client.ts'
import { type IssuingGateway, startIssuing } from '../fixtures/issuing-gateway.ts'
import { signingKey, type SigningKey } from '../identity/loopback-issuer.ts'
import { openKey, shortKey, smartCardKey, soundKey, type WeakKey } from '../fixtures/weak-keys.ts'

type Part = Readonly<Record<string, unknown>>
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

let running: IssuingGateway
let stranger: SigningKey
let rsa: WeakKey
let edwards: SigningKey
const weak: Record<'short' | 'open' | 'cards', WeakKey> = {
  short: shortKey('short'),
  open: openKey('open'),
  cards: smartCardKey('cards'),
}
let evil: Server
let evilUrl: string
const evilHeard: string[] = []

before(async () => {
  running = await startIssuing({ issuer: { algorithms: ['ES256', 'RS256', 'EdDSA'] } })
  stranger = await signingKey('first')
  rsa = soundKey('rsa')
  edwards = await signingKey('edwards', 'EdDSA')
  const others = Object.values(weak).map(({ jwk }) => jwk)
  running.issuer.keys = [running.key.jwk, rsa.jwk, edwards.jwk, ...others]
  evil = createServer((request, response) => {
    evilHeard.push(request.url ?? '')
    response.end(JSON.stringify({ keys: [stranger.jwk] }))
  })
  await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve))
  evilUrl = `http://127.0.0.1:${(evil.address() as AddressInfo).port}`
})
after(async () => {
  evil.closeAllConnections()
  evil.close()
  await running.close()
})

const payload = (): Part => ({ iss: running.issuer.issuer, ...running.claims() })
const plain = (header: unknown, claims: unknown = payload()): string => `${part(header)}.${part(claims)}`
const HEADER = { alg: 'ES256', kid: 'first', typ: 'at+jwt' }

/** Signed by a key that is not the issuer's. */
const foreign = (header: Part): Promise<string> => running.issuer.token(stranger, running.claims(), header)
/** Signed by the true key, whatever the parts are. */
async function truly(header: unknown, claims: unknown = payload()): Promise<string> {
  const text = plain(header, claims)
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = await crypto.subtle.sign(algorithm, running.key.privateKey, Buffer.from(text))
  return `${text}.${Buffer.from(signature).toString('base64url')}`
}
/** Signed by the true key, whatever bytes they are. */
async function trulyRaw(header: string, claims: string | Buffer): Promise<string> {
  return signedAs(`${Buffer.from(header).toString('base64url')}.${Buffer.from(claims).toString('base64url')}`)
}
async function signedAs(text: string): Promise<string> {
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = await crypto.subtle.sign(algorithm, running.key.privateKey, Buffer.from(text))
  return `${text}.${Buffer.from(signature).toString('base64url')}`
}
/** RS256 by a key that the issuer publishes. */
const byRsa = (key: WeakKey, header: object = {}): string => {
  const text = plain({ alg: 'RS256', kid: key.jwk.kid, typ: 'at+jwt', ...header })
  return `${text}.${key.sign(text).toString('base64url')}`
}
/** The head of a token for that key, and a signature that nobody has made. */
const unsigned = (alg: string, kid: string, signature: Buffer): string =>
  `${plain({ alg, kid, typ: 'at+jwt' })}.${signature.toString('base64url')}`
const now = (): number => running.seconds()
const wholly = (change: object) => truly(HEADER, { ...payload(), ...change })
const written = (value: object): string => JSON.stringify(value)

const hmac = (alg: string, secret: string | Buffer): string => {
  const text = plain({ ...HEADER, alg })
  return `${text}.${createHmac(`sha${alg.slice(2)}`, secret)
    .update(text)
    .digest('base64url')}`
}
const publicPem = async () => exportSPKI((await importJWK(running.key.jwk, 'ES256')) as CryptoKey)
const good = () => running.token({ jti: `${Math.random()}` })

async function otherCurve(): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const text = plain(HEADER)
  return `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

/** Self-signed, in base64, as `x5c` has it. */
async function certificateOf({ privateKey, jwk }: SigningKey): Promise<string> {
  const { X509CertificateGenerator } = await import('@peculiar/x509')
  const publicKey = (await importJWK(jwk, 'ES256')) as CryptoKey
  const { rawData } = await X509CertificateGenerator.createSelfSigned({
    keys: { privateKey, publicKey },
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  })
  return Buffer.from(rawData).toString('base64')
}

/** The spare bits of the last character of its claims are set, and that is what is signed. */
function respelledClaims(): Promise<string> {
  let claims = written(payload())
  while (Buffer.byteLength(claims) % 3 !== 1) claims = claims.replace('{', '{ ')
  const encoded = Buffer.from(claims).toString('base64url')
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.charAt(alphabet.indexOf(encoded.slice(-1)) + 1)
  return signedAs(`${part(HEADER)}.${encoded.slice(0, -1)}${last}`)
}

function derSignature(): Promise<string> {
  return good().then((token) => {
    const raw = Buffer.from(token.split('.')[2] ?? '', 'base64url')
    const integer = (bytes: Buffer) => Buffer.concat([Buffer.from([2, bytes.length + 1, 0]), bytes])
    const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))])
    const der = Buffer.concat([Buffer.from([0x30, body.length]), body])
    return `${token.slice(0, token.lastIndexOf('.'))}.${der.toString('base64url')}`
  })
}

const withSignature = async (signature: Buffer | string): Promise<string> => {
  const token = await good()
  const text = typeof signature === 'string' ? signature : signature.toString('base64url')
  return `${token.slice(0, token.lastIndexOf('.'))}.${text}`
}

/** 64 bytes leave four spare bits in the last character. */
async function respelled(): Promise<string> {
  const token = await good()
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.slice(-1)) + 1)
}

const KIDS = [
  '../../../../dev/null',
  '/etc/passwd',
  "' union select 'x",
  'first\0',
  'first|id',
  '',
  'x'.repeat(2_000),
  '__proto__',
  'constructor',
]

const FORGERIES: readonly (readonly [string, () => Promise<string> | string])[] = [
  ...['none', 'None', 'NONE', 'nOnE', 'none ', '', 'null'].flatMap((alg) => [
    [`alg ${JSON.stringify(alg)} and no signature`, () => `${plain({ ...HEADER, alg })}.`] as const,
    [
      `alg ${JSON.stringify(alg)} and some signature`,
      async () => `${plain({ ...HEADER, alg })}.${(await good()).split('.')[2]}`,
    ] as const,
  ]),
  ['no alg', () => `${plain({ kid: 'first', typ: 'at+jwt' })}.AAAA`],
  ['a list as alg', () => `${plain({ ...HEADER, alg: ['ES256', 'none'] })}.AAAA`],
  ...['HS256', 'HS384', 'HS512'].flatMap((alg) => [
    [`${alg} with the public key in PEM`, async () => hmac(alg, await publicPem())] as const,
    [`${alg} with the public key in JSON`, () => hmac(alg, JSON.stringify(running.key.jwk))] as const,
    [
      `${alg} with the public key in DER`,
      async () => hmac(alg, createPublicKey(await publicPem()).export({ type: 'spki', format: 'der' })),
    ] as const,
    [`${alg} with an empty secret`, () => hmac(alg, '')] as const,
  ]),
  ['a key that it brings (jwk)', () => foreign({ jwk: stranger.jwk })],
  ['a key set that it names (jku)', () => foreign({ jku: `${evilUrl}/jwks` })],
  ['a key set at the host of the issuer (jku)', () => foreign({ jku: `${running.issuer.issuer}/../jwks@${evilUrl}` })],
  ['a chain that it names (x5u)', () => foreign({ x5u: `${evilUrl}/chain.pem` })],
  ['a chain that it brings (x5c)', () => foreign({ x5c: ['MIIB'] })],
  ['a thumbprint that it names (x5t)', () => foreign({ x5t: 'AAAA', 'x5t#S256': 'AAAA' })],
  [
    'an issuer of its own that has metadata',
    () => running.issuer.token(stranger, { ...running.claims(), iss: evilUrl }),
  ],
  ...KIDS.map((kid) => [`the kid ${JSON.stringify(kid.slice(0, 30))}`, () => foreign({ kid })] as const),
  ['a kid that is no text', () => foreign({ kid: { $ne: null } })],
  ['a critical extension', () => truly({ ...HEADER, crit: ['x'], x: 1 })],
  ['an empty list of critical extensions', () => truly({ ...HEADER, crit: [] })],
  ['an unencoded payload', () => truly({ ...HEADER, b64: false, crit: ['b64'] })],
  ['an unencoded payload that is not critical', () => truly({ ...HEADER, b64: false })],
  ['compression', () => truly({ ...HEADER, zip: 'DEF' })],
  ['a signature of zeros (r = s = 0)', () => withSignature(Buffer.alloc(64))],
  [
    'a signature with r = s = n',
    () =>
      withSignature(Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'.repeat(2), 'hex')),
  ],
  ['a signature in DER', derSignature],
  ['an empty signature', () => withSignature('')],
  ['half a signature', () => withSignature(Buffer.alloc(32, 1))],
  ['a signature of another curve', otherCurve],
  ['another spelling of its signature', respelled],
  ['padding', async () => `${await good()}==`],
  ['standard base64', async () => (await good()).replaceAll('-', '+').replaceAll('_', '/').concat('+/')],
  ['a line break inside its signature', async () => (await good()).replace(/.{4}$/, ' $&')],
  ['its payload replaced', async () => (await good()).replace(/\.[^.]+\./, `.${part({ ...payload(), sub: 'root' })}.`)],
  ['its header replaced', async () => (await good()).replace(/^[^.]+/, part({ ...HEADER, x: 1 }))],
  ['a claim twice', () => twice('{"sub":"root",')],
  ['an issuer twice', () => twice('{"iss":"https://evil.example",')],
  ['a claim twice, once in another spelling', () => twice('{"\\u0073ub":"root",')],
  ['an algorithm twice', () => trulyRaw(written(HEADER).replace('{', '{"alg":"none",'), written(payload()))],
  ['a type twice', () => trulyRaw(written(HEADER).replace('}', ',"typ":"logout+jwt"}'), written(payload()))],
  [
    'a key id twice, once in another spelling',
    () => trulyRaw(written(HEADER).replace('{', '{"k\\u0069d":"x",'), written(payload())),
  ],
  ['a prototype among its claims twice', () => twice('{"__proto__":{"sub":"root"},"__proto__":{},')],
  ['an audience that is an object', () => truly(HEADER, { ...payload(), aud: { 0: running.gateway.endpoint('one') } })],
  ['an audience with a NUL', () => truly(HEADER, { ...payload(), aud: `${running.gateway.endpoint('one')}\0` })],
  ['an expiry beyond numbers', () => truly(HEADER, { ...payload(), exp: 1e300 })],
  ['a negative expiry', () => truly(HEADER, { ...payload(), exp: -1 })],
  ['a subject with a line break', () => truly(HEADER, { ...payload(), sub: 'a\nb' })],
  ['a subject that is an object', () => truly(HEADER, { ...payload(), sub: { toString: 'x' } })],
  ['a confirmation of no kind', () => truly(HEADER, { ...payload(), cnf: {} })],
  ['a confirmation that names its key', () => truly(HEADER, { ...payload(), cnf: { jku: evilUrl } })],
  ['a proof in place of a token', () => truly({ ...HEADER, typ: 'dpop+jwt' })],
  ['an ID token in place of an access token', () => truly({ ...HEADER, typ: 'JWT' })],
  ['a logout token in place of an access token', () => truly({ ...HEADER, typ: 'logout+jwt' })],
  ['itself twice', async () => `${await good()}${await good()}`],
  ['itself twice with a dot', async () => `${await good()}.${await good()}`],
  ['its end cut off', async () => (await good()).slice(0, -6)],
  ['its signature cut off', async () => (await good()).replace(/\.[^.]+$/, '')],
  ['only dots', () => '..'],
  ['twelve thousand characters', async () => `${await good()}${'A'.repeat(11_000)}`],
  // What has been found in libraries, each by the true key or for a key that the issuer publishes.
  [
    'a chain that it brings, with its own key in it (x5c)',
    async () => foreign({ x5c: [await certificateOf(stranger)] }),
  ],
  [
    'a chain that fits the thumbprint that it names',
    async () => {
      const certificate = await certificateOf(stranger)
      const thumbprint = createHash('sha256').update(Buffer.from(certificate, 'base64')).digest('base64url')
      return foreign({ x5c: [certificate], 'x5t#S256': thumbprint })
    },
  ],
  ['a key that it brings under the true kid', () => foreign({ kid: 'first', jwk: { ...stranger.jwk, kid: 'first' } })],
  ['a key that it brings with its private part', async () => foreign({ jwk: await exportJWK(stranger.privateKey) })],
  [
    'a key set in a data URL (jku)',
    () => foreign({ jku: `data:application/json,${encodeURIComponent(written({ keys: [stranger.jwk] }))}` }),
  ],
  [
    'a key set behind a name and a fragment (jku)',
    () => foreign({ jku: `${running.issuer.issuer}@${new URL(evilUrl).host}/#${running.issuer.issuer}` }),
  ],
  ['HS256 with the modulus of an RSA key', () => hmac('HS256', Buffer.from(String(rsa.jwk.n), 'base64url'))],
  [
    'HS256 with the PEM of an RSA key and its kid',
    () => {
      const pem = createPublicKey({ key: rsa.jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
      const text = plain({ alg: 'HS256', kid: 'rsa', typ: 'at+jwt' })
      return `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`
    },
  ],
  ['RS256 with a key of a curve', () => unsigned('RS256', 'first', Buffer.alloc(256, 1))],
  ['ES256 with an RSA key', () => unsigned('ES256', 'rsa', Buffer.alloc(64, 1))],
  ['EdDSA with another kind of curve', () => unsigned('EdDSA', 'first', Buffer.alloc(64, 1))],
  ['PS256, which is not listed, by a listed key', () => byRsa(rsa, { alg: 'PS256' })],
  ['RS512, which is not listed, by a listed key', () => byRsa(rsa, { alg: 'RS512' })],
  ['RS256 in small letters', () => byRsa(rsa, { alg: 'rs256' })],
  ['RS256 and a signature of zeros', () => unsigned('RS256', 'rsa', Buffer.alloc(256))],
  ['RS256 and the signature 1', () => unsigned('RS256', 'rsa', Buffer.concat([Buffer.alloc(255), Buffer.from([1])]))],
  ['RS256 and a signature that is short of its zeros', () => unsigned('RS256', 'rsa', Buffer.from([1]))],
  ['RS256 and trailing bytes', () => `${byRsa(rsa)}AAAA`],
  ['EdDSA and a signature of zeros', () => unsigned('EdDSA', 'edwards', Buffer.alloc(64))],
  [
    'EdDSA and the neutral point',
    () => unsigned('EdDSA', 'edwards', Buffer.concat([Buffer.from([1]), Buffer.alloc(63)])),
  ],
  ['a signature with r = 0', () => withSignature(Buffer.concat([Buffer.alloc(32), Buffer.alloc(32, 1)]))],
  ['a signature with s = 0', () => withSignature(Buffer.concat([Buffer.alloc(32, 1), Buffer.alloc(32)]))],
  ['a signature with r beyond the order', () => withSignature(Buffer.alloc(64, 0xff))],
  ['a key of 1,024 bits, though the issuer publishes it', () => byRsa(weak.short)],
  ['a key with the exponent 1, though the issuer publishes it', () => byRsa(weak.open)],
  ['a key that smart cards have made badly, though the issuer publishes it', () => byRsa(weak.cards)],
  ['a token inside (cty)', async () => truly({ ...HEADER, cty: 'JWT' }, await good())],
  ['a token as its claims', async () => trulyRaw(written(HEADER), await good())],
  [
    'five parts, as if it were encrypted',
    async () => `${part({ alg: 'dir', enc: 'A256GCM', kid: 'first' })}.AAAA.AAAA.AAAA.AAAA`,
  ],
  [
    'five parts, with a good token in the middle',
    async () => `${part({ alg: 'dir', enc: 'A256GCM' })}..${(await good()).replaceAll('.', '')}.AAAA.AAAA`,
  ],
  [
    'the form of JSON',
    async () => {
      const [protectedHeader = '', body = '', signature = ''] = (await good()).split('.')
      return part({ protected: protectedHeader, payload: body, signature })
    },
  ],
  ['a byte more in its signature', async () => `${(await good()).slice(0, -2)}AAAA`],
  ['something behind its claims', () => trulyRaw(written(HEADER), `${written(payload())}{}`)],
  ['a NUL behind its claims', () => trulyRaw(written(HEADER), `${written(payload())}\0`)],
  ['a mark before its claims', () => trulyRaw(written(HEADER), `\ufeff${written(payload())}`)],
  ['a comment in its claims', () => trulyRaw(written(HEADER), written(payload()).replace('{', '{/**/'))],
  [
    'bytes that are no UTF-8',
    () =>
      trulyRaw(
        written(HEADER),
        Buffer.concat([
          Buffer.from(written(payload()).slice(0, -1)),
          Buffer.from([0x2c, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
        ]),
      ),
  ],
  ['a list as claims', () => trulyRaw(written(HEADER), written([payload()]))],
  ['a text as claims', () => trulyRaw(written(HEADER), '"x"')],
  ['nothing as claims', () => trulyRaw(written(HEADER), 'null')],
  ['a list as header', () => trulyRaw(written([HEADER]), written(payload()))],
  ['another spelling of its claims, signed as it is', () => respelledClaims()],
  ['an expiry that is a text', () => wholly({ exp: String(now() + 300) })],
  ['an expiry that is a date', () => wholly({ exp: '2999-01-01T00:00:00Z' })],
  ['an expiry that is a list', () => wholly({ exp: [now() + 300] })],
  ['an expiry that is true', () => wholly({ exp: true })],
  ['no expiry', () => wholly({ exp: undefined })],
  ['an expiry of null', () => wholly({ exp: null })],
  ['an expiry in milliseconds of the past', () => wholly({ exp: 0 })],
  ['an expiry just beyond what is safe', () => wholly({ exp: Number.MAX_SAFE_INTEGER })],
  [
    'an expiry that was written to overflow',
    () => trulyRaw(written(HEADER), written(payload()).replace(/"exp":\d+/, '"exp":1e999')),
  ],
  ['a beginning that is to come', () => wholly({ nbf: now() + 3_600 })],
  ['a beginning that is a text', () => wholly({ nbf: String(now() - 10) })],
  ['a time of issue that is to come', () => wholly({ iat: now() + 3_600 })],
  ['a time of issue that is a text', () => wholly({ iat: String(now()) })],
  ['no audience', () => wholly({ aud: undefined })],
  ['an empty list of audiences', () => wholly({ aud: [] })],
  ['an empty audience', () => wholly({ aud: '' })],
  ['audiences in a list in a list', () => wholly({ aud: [[running.gateway.endpoint('one')]] })],
  ['an audience that is a wildcard', () => wholly({ aud: '*' })],
  ['an audience that begins alike', () => wholly({ aud: `${running.gateway.endpoint('one')}x` })],
  ['an audience that ours begins with', () => wholly({ aud: running.gateway.origin })],
  ['an audience with a slash more', () => wholly({ aud: `${running.gateway.endpoint('one')}/` })],
  ['an audience in large letters', () => wholly({ aud: running.gateway.endpoint('one').toUpperCase() })],
  [
    'audiences in one text',
    () => wholly({ aud: `${running.gateway.endpoint('one')} ${running.gateway.endpoint('two')}` }),
  ],
  [
    'an audience with another one behind a comma',
    () => wholly({ aud: `https://other.example,${running.gateway.endpoint('one')}` }),
  ],
  ['an issuer in a list', () => wholly({ iss: [running.issuer.issuer] })],
  ['an issuer with a slash more', () => wholly({ iss: `${running.issuer.issuer}/` })],
  ['an issuer in large letters', () => wholly({ iss: running.issuer.issuer.toUpperCase() })],
  ['no issuer', () => wholly({ iss: undefined })],
  ['no subject', () => wholly({ sub: undefined })],
  ['an empty subject', () => wholly({ sub: '' })],
  ['a subject that is a number', () => wholly({ sub: 1 })],
  ['a subject in a list', () => wholly({ sub: ['alice'] })],
  ...[
    'secevent+jwt',
    'oauth-id-jag+jwt',
    'token-introspection+jwt',
    'oauth-authz-req+jwt',
    'JWE',
    'at+jwt ',
    ' at+jwt',
    'application/application/at+jwt',
    '',
  ].map((typ) => [`the type ${JSON.stringify(typ)}`, () => truly({ ...HEADER, typ })] as const),
  ['a type in a list', () => truly({ ...HEADER, typ: ['at+jwt'] })],
  ['no type', () => truly({ alg: 'ES256', kid: 'first' })],
  ['deep nesting', () => `${part(HEADER)}.${Buffer.from('['.repeat(3_000)).toString('base64url')}.AAAA`],
]

/** By the true key: only that a member is there twice is wrong. */
function twice(start: string): Promise<string> {
  return trulyRaw(written(HEADER), written(payload()).replace('{', start))
}

const outside = ({ status, headers, json }: Reply) => ({
  status,
  challenge: headers['www-authenticate'],
  names: Object.keys(headers).toSorted(),
  error: { ...json.error, data: { ...json.error.data, incident: '' } },
})

describe('a forged token', () => {
  it('is told from a good one', async () => {
    assert.equal((await running.echo(await good())).status, 200)
    assert.equal((await running.echo(await truly(HEADER))).status, 200, 'the true key of this test is the true one')
    assert.equal((await running.echo(byRsa(rsa))).status, 200, 'and so is that of RSA')
    assert.equal((await running.echo(await running.issuer.token(edwards, running.claims()))).status, 200)
    const fraction = await wholly({ exp: now() + 300.5, nbf: now() - 0.5, aud: ['x', running.gateway.endpoint('one')] })
    assert.equal(
      (await running.echo(fraction)).status,
      200,
      'fractions of seconds and further audiences are no forgery',
    )
    assert.equal(
      (await running.echo(await trulyRaw(written(HEADER), ` ${written(payload())}\n`))).status,
      200,
      'nor is space',
    )
  })

  for (const [what, forge] of FORGERIES) {
    it(`with ${what} is answered like any wrong one, and nobody hears of it`, async () => {
      const earlier = running.upstream.count()
      const wrong = outside(await running.echo('wrong'))
      assert.equal(wrong.status, 401)
      assert.deepEqual(outside(await running.echo(await forge())), wrong)
      assert.equal(running.upstream.count(), earlier)
      assert.deepEqual(evilHeard, [])
    })
  }

  it('leaves no trace of itself in the log', () => {
    assert.ok(running.gateway.logged.every((line) => !line.includes('eyJ')))
  })
})
