/** The known ways to forge a JWT (RFC 8725, published tool tricks): one answer for all, nobody asked, no upstream reached. */
import assert from 'node:assert/strict'
import { createHash, createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type CryptoKey, exportSPKI, importJWK } from 'jose'
import type { Reply } from '../fixtures/client.ts'
import { type IssuingGateway, startIssuing } from '../fixtures/issuing-gateway.ts'
import { signingKey, type SigningKey } from '../identity/loopback-issuer.ts'

type Part = Readonly<Record<string, unknown>>
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

let running: IssuingGateway
let stranger: SigningKey
let evil: Server
let evilUrl: string
const evilHeard: string[] = []

before(async () => {
  running = await startIssuing({ issuer: { algorithms: ['ES256', 'RS256', 'EdDSA'] } })
  stranger = await signingKey('first')
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
  ['deep nesting', () => `${part(HEADER)}.${Buffer.from('['.repeat(3_000)).toString('base64url')}.AAAA`],
]

function twice(start: string): string {
  const text = `${part(HEADER)}.${Buffer.from(JSON.stringify(payload()).replace('{', start)).toString('base64url')}`
  return `${text}.${createHash('sha256').update(text).digest('base64url')}AA`
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
