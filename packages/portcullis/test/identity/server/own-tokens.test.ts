import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, type CryptoKey, type JWK, SignJWT } from 'jose'
import { ownTokenVerifier } from '../../../src/identity/server/own-tokens.ts'

const ISSUER = 'https://gateway.example/auth'
const NOW = 1_800_000_000
const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const published: JWK = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }
let keys: readonly JWK[] = [published]
let open = 'pwd'
const verify = ownTokenVerifier({
  issuer: ISSUER,
  keys: () => keys,
  clock: { now: () => NOW * 1000 },
  admits: (amr, idp) => amr.includes(open) && idp === undefined,
})

const CLAIMS = {
  ...{ iss: ISSUER, sub: 'account', aud: 'https://gateway.example/mcp', exp: NOW + 300, iat: NOW, jti: 'j' },
  ...{ client_id: 'client', tenant: 'acme', roles: ['user'], scope: 'mcp admin', grant: 'g', amr: ['pwd'] },
}
const token = (
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
  key: CryptoKey = privateKey,
) =>
  new SignJWT({ ...CLAIMS, ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k', ...header })
    .sign(key)

test('a token of ours says who its holder is, and by which names it can be revoked', async () => {
  const { facts, audiences, expiresAt } = await verify(await token())
  const { digest, ...credential } = facts.principal.credential as unknown as Record<string, unknown>
  assert.match(String(digest), /^[\w-]{20,}$/)
  assert.deepEqual(
    { ...facts.principal, credential },
    {
      id: 'user:account',
      tenant: 'acme',
      roles: ['user'],
      scopes: ['mcp', 'admin'],
      credential: {
        kind: 'jwt',
        id: 'j',
        expiresAt,
        families: ['client:client', 'grant:g'],
        amr: ['pwd'],
        client: 'client',
      },
    },
  )
  assert.deepEqual(audiences, ['https://gateway.example/mcp'])
  assert.equal(expiresAt, (NOW + 305) * 1000)
})

test('a client in its own name is a client, and a bound token says to what', async () => {
  const { facts } = await verify(await token({ sub: 'client', grant: undefined }))
  assert.equal(facts.principal.id, 'client:client')
  const jkt = 'A'.repeat(43)
  assert.deepEqual((await verify(await token({ cnf: { jkt } }))).binding, { jkt })
})

for (const [what, claims, header] of [
  ['another issuer', { iss: 'https://gateway.example' }],
  ['no expiry', { exp: undefined }],
  ['an expiry that has passed', { exp: NOW - 6 }],
  ['a beginning that is to come', { nbf: NOW + 60 }],
  ['no subject', { sub: undefined }],
  ['an empty subject', { sub: '' }],
  ['no audience', { aud: undefined }],
  ['two audiences', { aud: ['https://gateway.example/mcp', 'https://other.example'] }],
  ['no id', { jti: undefined }],
  ['no client', { client_id: undefined }],
  ['no tenant', { tenant: undefined }],
  ['a tenant that is no text', { tenant: ['acme'] }],
  ['no roles', { roles: undefined }],
  ['roles that are a text', { roles: 'admin' }],
  ['a role that is no text', { roles: [{}] }],
  ['a binding that we cannot check', { cnf: { other: 'x' } }],
  ['the type of an ID token', {}, { typ: 'JWT' }],
  ['the type of a proof', {}, { typ: 'dpop+jwt' }],
  ['no type', {}, { typ: undefined }],
  ['a key that nobody has', {}, { kid: 'other' }],
] as readonly (readonly [string, object, object?])[]) {
  test(`a token with ${what} is refused`, async () => {
    const bad = await token(claims as Record<string, unknown>, header as Record<string, unknown>)
    await assert.rejects(verify(bad), { name: 'Fault' })
  })
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a token that our key did not sign is refused, whatever its header says', async () => {
  const payload = part(CLAIMS)
  const header = { typ: 'at+jwt', kid: 'k' }
  const hmac = `${part({ ...header, alg: 'HS256' })}.${payload}`
  const stranger = (await generateKeyPair('ES256', { extractable: true })).privateKey
  const good = await token()
  for (const bad of [
    `${part({ ...header, alg: 'none' })}.${payload}.`,
    `${hmac}.${createHmac('sha256', JSON.stringify(published)).update(hmac).digest('base64url')}`,
    await token({}, {}, stranger),
    await token({}, { jwk: await exportJWK(stranger) }, stranger),
    `${good.split('.')[0]}.${part({ ...CLAIMS, roles: ['admin'] })}.${good.split('.')[2]}`,
    good.slice(0, -10),
    'a.b.c',
    '',
  ])
    await assert.rejects(verify(bad), { name: 'Fault' })
})

test('a token ends with the way in which its holder signed in, and one that stems from no sign-in does not', async () => {
  const good = await token()
  await assert.rejects(verify(await token({ idp: 'https://acme.example' })), { name: 'Fault' })
  await assert.rejects(verify(await token({ amr: undefined })), { name: 'Fault' })
  open = 'otp'
  try {
    await assert.rejects(verify(good), { name: 'Fault' })
    await verify(await token({ sub: 'client', grant: undefined, amr: undefined }))
  } finally {
    open = 'pwd'
  }
  await verify(good)
})

test('keys that change count from the next token on', async () => {
  const next = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  const good = await token()
  await verify(good)
  keys = [{ ...next, kty: 'EC', kid: 'n', alg: 'ES256', use: 'sig' }]
  await assert.rejects(verify(good), { name: 'Fault' })
  keys = [published]
  await verify(good)
})
