import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import { exportSPKI, importSPKI, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { Agent } from 'undici'
import { createFetchJson } from '../../src/identity/fetch-json.ts'
import type { TokenAlgorithm } from '../../src/core/token-algorithms.ts'
import type { IssuerSettings } from '../../src/identity/issuer-settings.ts'
import { createTokenVerifier } from '../../src/identity/jwt.ts'
import { signedDigest } from '../../src/identity/jwt-parts.ts'
import { createTestIdentity } from '../fixtures/certificate.ts'
import { LoopbackIssuer, type SigningKey, signingKey } from './loopback-issuer.ts'
import { StillClock } from './still-clock.ts'

const RESOURCE = 'https://gate.example/mcp/files'
const key = await signingKey('one')
const stranger = await signingKey('one')

async function setUp(
  t: TestContext,
  changes: Partial<IssuerSettings> = {},
  tls?: Awaited<ReturnType<typeof createTestIdentity>>,
) {
  const server = await LoopbackIssuer.start(t, tls)
  server.keys = [key.jwk]
  const clock = new StillClock()
  const dispatcher = new Agent(tls ? { connect: { ca: readFileSync(tls.caFile, 'utf8') } } : {})
  t.after(() => dispatcher.destroy())
  const plainHttp = tls ? 'refused' : 'loopback-for-tests'
  const issuer: IssuerSettings = {
    issuer: server.issuer,
    algorithms: ['ES256'],
    clockSkewSeconds: 10,
    claims: { tenant: { fixed: 'acme' } },
    ...changes,
  }
  const verify = createTokenVerifier({
    ...{ issuers: [issuer], clock, plainHttp, jwksMaxAgeSeconds: 600, jwksStaleSeconds: 600, jwksCooldownSeconds: 30 },
    fetchJson: createFetchJson({ timeoutMs: 2000, maxBytes: 100_000, plainHttp, dispatcher }),
  })
  const claims: JWTPayload = { sub: 'ann', aud: RESOURCE, iat: clock.seconds, exp: clock.seconds + 300, jti: 'jti-1' }
  return { server, clock, verify, claims }
}

type SetUp = Awaited<ReturnType<typeof setUp>>

describe('createTokenVerifier', () => {
  it('proves who is behind a good token', async (t) => {
    const { server, verify, claims, clock } = await setUp(t, {
      claims: { tenant: { fixed: 'acme' }, roles: { claim: 'groups', map: { devs: ['reader'] } } },
    })
    const token = await server.token(key, { ...claims, groups: ['devs'], scope: 'mcp' })
    const expiresAt = clock.now() + 310_000
    assert.deepEqual(await verify(token), {
      facts: {
        principal: {
          id: `${server.issuer}|ann`,
          tenant: 'acme',
          roles: ['reader'],
          scopes: ['mcp'],
          credential: { kind: 'jwt', id: 'jti-1', digest: signedDigest(token), expiresAt },
        },
      },
      audiences: [RESOURCE],
      expiresAt,
      issuedAt: clock.now(),
    })
  })

  it('names a token without jti by the digest of what was signed', async (t) => {
    const { server, verify, claims } = await setUp(t)
    const { jti: _jti, ...anonymous } = claims
    const token = await server.token(key, anonymous)
    assert.equal((await verify(token)).facts.principal.credential.id, signedDigest(token))
  })

  it('asks an issuer over TLS that only our own authority vouches for', async (t) => {
    const tls = await createTestIdentity()
    t.after(() => tls.remove())
    const { server, verify, claims } = await setUp(t, {}, tls)
    assert.equal((await verify(await server.token(key, claims))).facts.principal.tenant, 'acme')
  })

  it('follows a rotation of the keys', async (t) => {
    const { server, verify, claims, clock } = await setUp(t)
    await verify(await server.token(key, claims))
    const next = await signingKey('two')
    server.keys = [key.jwk, next.jwk]
    const token = await server.token(next, claims)
    await assert.rejects(verify(token), { code: 'identity.invalid_token' })
    clock.advance(30_000)
    assert.equal((await verify(token)).facts.principal.tenant, 'acme')
    assert.equal(server.count('/jwks'), 2)
  })

  for (const alg of ['EdDSA', 'Ed25519', 'RS256', 'PS256', 'ES384'] satisfies TokenAlgorithm[]) {
    it(`verifies ${alg} when it is allowed`, async (t) => {
      const { server, verify, claims } = await setUp(t, { algorithms: [alg] })
      const own = await signingKey('own', alg)
      server.keys = [own.jwk]
      assert.equal((await verify(await server.token(own, claims))).facts.principal.tenant, 'acme')
    })
  }

  it('accepts a listed audience in place of the resource', async (t) => {
    const { server, verify, claims } = await setUp(t, { audiences: ['api://gate'] })
    assert.equal((await verify(await server.token(key, { ...claims, aud: ['x', 'api://gate'] }))).audiences, undefined)
    await assert.rejects(verify(await server.token(key, claims)), { code: 'identity.wrong_audience' })
  })

  it('tolerates the skew and no more', async (t) => {
    const { server, verify, claims, clock } = await setUp(t)
    await verify(await server.token(key, { ...claims, exp: clock.seconds - 9 }))
    await verify(await server.token(key, { ...claims, nbf: clock.seconds + 9, iat: clock.seconds + 9 }))
    await assert.rejects(verify(await server.token(key, { ...claims, exp: clock.seconds - 10 })), {
      code: 'identity.expired',
    })
  })

  type Forge = (parts: SetUp) => Promise<string> | string
  type Changes = Readonly<Record<string, unknown>>
  const claiming = (changes: Changes | ((parts: SetUp) => Changes)): Forge => {
    return (parts) =>
      parts.server.token(key, { ...parts.claims, ...(typeof changes === 'function' ? changes(parts) : changes) })
  }
  const headed = (header: Record<string, unknown>, by: SigningKey = key): Forge => {
    return ({ server, claims }) => server.token(by, claims, header)
  }
  const rewritten = (segment: 0 | 1, rewrite: (json: string) => string): Forge => {
    return async ({ server, claims }) => resign(await server.token(key, claims), segment, rewrite)
  }
  const INVALID = 'identity.invalid_token'
  const MALFORMED = 'identity.malformed'
  const BAD: readonly (readonly [string, string, Forge])[] = [
    [
      'without a signature',
      MALFORMED,
      ({ server, claims }) => new UnsecuredJWT({ ...claims, iss: server.issuer }).encode(),
    ],
    ['with alg none and a signature', INVALID, (p) => unsignedAlg(p, 'none')],
    ['with alg None', INVALID, (p) => unsignedAlg(p, 'None')],
    ['signed by HMAC with the public key as secret', INVALID, publicKeyAsSecret],
    [
      'with an algorithm that is not allowed',
      INVALID,
      async (p) => p.server.token(await signingKey('one', 'EdDSA'), p.claims),
    ],
    ['signed by a stranger with the same key id', INVALID, headed({}, stranger)],
    ['with a key id that nobody knows', INVALID, headed({ kid: 'two' })],
    ['with a key id that is a path', INVALID, headed({ kid: '../../etc/passwd' })],
    ['that brings its own key', INVALID, headed({ jwk: stranger.jwk }, stranger)],
    ['that names where its key is', INVALID, headed({ jku: 'http://127.0.0.1:1/jwks', kid: 'evil' }, stranger)],
    ['of another type', INVALID, headed({ typ: 'oauth-id-jag+jwt' })],
    ['that is a DPoP proof', INVALID, headed({ typ: 'dpop+jwt' })],
    ['with a type that is no text', INVALID, headed({ typ: 7 })],
    ['with a critical extension', INVALID, (p) => critical(p)],
    ['of another issuer', INVALID, claiming({ iss: 'https://evil.example' })],
    ['of the issuer with a slash more', INVALID, claiming(({ server }) => ({ iss: `${server.issuer}/` }))],
    ['without an issuer', INVALID, rewritten(1, (json) => json.replace('"iss"', '"isx"'))],
    ['that has expired', 'identity.expired', claiming(({ clock }) => ({ exp: clock.seconds - 11 }))],
    ['without exp', INVALID, claiming({ exp: undefined })],
    ['with exp as text', INVALID, rewritten(1, (json) => json.replace(/"exp":(\d+)/, '"exp":"$1"'))],
    ['that never expires', INVALID, rewritten(1, (json) => json.replace(/"exp":\d+/, '"exp":1e400'))],
    ['that is not valid yet', INVALID, claiming(({ clock }) => ({ nbf: clock.seconds + 11 }))],
    ['from the future', INVALID, claiming(({ clock }) => ({ iat: clock.seconds + 11 }))],
    ['with iat as text', INVALID, rewritten(1, (json) => json.replace(/"iat":(\d+)/, '"iat":"$1"'))],
    ['without an audience', INVALID, claiming({ aud: undefined })],
    ['without a subject', INVALID, claiming({ sub: undefined })],
    ['with an empty subject', INVALID, claiming({ sub: '' })],
    ['bound to a key', INVALID, claiming({ cnf: { jkt: 'x' } })],
    ['with a claim twice', MALFORMED, rewritten(1, (json) => json.replace('{', '{"sub":"root",'))],
    ['with a header member twice', MALFORMED, rewritten(0, (json) => json.replace('{', '{"alg":"none",'))],
    ['whose claims are a list', MALFORMED, rewritten(1, () => '[]')],
    ['whose claims are no JSON', MALFORMED, rewritten(1, (json) => json.slice(0, -1))],
    ['whose claims are not UTF-8', MALFORMED, async (p) => tampered(p, 1, Buffer.from('{"iss":"\xff"}', 'latin1'))],
    ['with changed claims', INVALID, async (p) => tampered(p, 1, (json) => json.replace('ann', 'root'))],
    ['with a changed header', INVALID, async (p) => tampered(p, 0, (json) => json.replace('{', '{"x":1,'))],
    ['with a fourth part', MALFORMED, async (p) => `${await p.server.token(key, p.claims)}.x`],
    ['with a space inside', MALFORMED, async (p) => (await p.server.token(key, p.claims)).replace('.', ' .')],
    ['that is encrypted', MALFORMED, () => 'a.b.c.d.e'],
    ['of garbage', MALFORMED, () => '.'.repeat(100)],
  ]
  for (const [what, code, forge] of BAD) {
    it(`refuses a token ${what}`, async (t) => {
      const parts = await setUp(t)
      await assert.rejects(async () => parts.verify(await forge(parts)), { name: 'Fault', code })
      assert.deepEqual(
        parts.server.requests.filter((path) => !/^\/(jwks|\.well-known)/.test(path)),
        [],
      )
    })
  }

  it('asks no issuer about a token that is wrong by its looks', async (t) => {
    const parts = await setUp(t)
    const { server, verify, claims } = parts
    await assert.rejects(verify(await critical(parts)))
    await assert.rejects(verify(await server.token(key, claims, { alg: 'ES256', typ: 'x' })))
    await assert.rejects(verify(await server.token(key, { ...claims, iss: 'https://evil.example' })))
    assert.deepEqual(server.requests, [])
  })

  for (const typ of ['JWT', undefined]) {
    it(`insists on at+jwt where it is required, against ${typ}`, async (t) => {
      const { server, verify, claims } = await setUp(t, { requireTyp: 'at+jwt' })
      await assert.rejects(verify(await server.token(key, claims, { typ })), { code: INVALID })
      await verify(await server.token(key, claims, { typ: 'application/AT+JWT' }))
    })
  }

  it('lets nobody in while the issuer is down, and asks again later', async (t) => {
    const { server, verify, claims, clock } = await setUp(t)
    server.answers = { '/jwks': (request) => request.socket.destroy() }
    const token = await server.token(key, claims)
    await assert.rejects(verify(token), { code: 'identity.unavailable' })
    server.answers = {}
    clock.advance(2_000)
    await verify(token)
  })

  it('lets nobody in when the metadata name another issuer', async (t) => {
    const { server, verify, claims } = await setUp(t)
    const metadata = JSON.stringify({ issuer: 'https://evil.example', jwks_uri: `${server.issuer}/jwks` })
    server.answers = { '/.well-known/oauth-authorization-server': (_, response) => response.end(metadata) }
    await assert.rejects(verify(await server.token(key, claims)), { code: 'identity.unavailable' })
    assert.equal(server.count('/jwks'), 0)
  })
})

describe('the settings of an issuer', () => {
  const sound: IssuerSettings = {
    issuer: 'https://login.example',
    algorithms: ['ES256'],
    clockSkewSeconds: 0,
    claims: { tenant: { fixed: 'acme' } },
  }
  const create = (...issuers: IssuerSettings[]) => {
    const fetchJson = async () => undefined
    const ages = { jwksMaxAgeSeconds: 1, jwksStaleSeconds: 1, jwksCooldownSeconds: 1 }
    return createTokenVerifier({ issuers, fetchJson, clock: new StillClock(), plainHttp: 'refused', ...ages })
  }

  it('are accepted when they are sound', () => void create(sound))

  const BAD: readonly (readonly [string, object])[] = [
    ['plain http', { issuer: 'http://login.example' }],
    ['an issuer with a query', { issuer: 'https://login.example/?a' }],
    ['keys over plain http', { jwksUri: 'http://login.example/jwks' }],
    ['no algorithm', { algorithms: [] }],
    ['alg none', { algorithms: ['none'] }],
    ['HMAC', { algorithms: ['ES256', 'HS256'] }],
    ['an empty list of audiences', { audiences: [] }],
    ['a skew of more than a minute', { clockSkewSeconds: 61 }],
    ['a negative skew', { clockSkewSeconds: -1 }],
    ['a skew that is no number', { clockSkewSeconds: Number.NaN }],
  ]
  for (const [what, changes] of BAD) {
    it(`are refused with ${what}`, () => assert.throws(() => create({ ...sound, ...changes })))
  }

  it('are refused when an issuer is listed twice', () => assert.throws(() => create(sound, sound), TypeError))
})

async function publicKeyAsSecret({ server, claims }: SetUp): Promise<string> {
  const { publicKey } = await publicOf(key)
  const secret = new TextEncoder().encode(publicKey)
  return new SignJWT({ ...claims, iss: server.issuer })
    .setProtectedHeader({ alg: 'HS256', kid: 'one', typ: 'at+jwt' })
    .sign(secret)
}

async function publicOf(signing: SigningKey): Promise<{ publicKey: string }> {
  const imported = await crypto.subtle.importKey('jwk', signing.jwk, { name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'verify',
  ])
  const publicKey = await exportSPKI(imported)
  await importSPKI(publicKey, 'ES256')
  return { publicKey }
}

function critical({ server, claims }: SetUp): Promise<string> {
  const header = { alg: 'ES256', kid: 'one', typ: 'at+jwt', crit: ['x'], x: 1 }
  return new SignJWT({ ...claims, iss: server.issuer })
    .setProtectedHeader(header)
    .sign(key.privateKey, { crit: { x: true } })
}

async function unsignedAlg({ server, claims }: SetUp, alg: string): Promise<string> {
  const token = await server.token(key, claims)
  return replaceSegment(token, 0, Buffer.from(JSON.stringify({ alg, kid: 'one', typ: 'at+jwt' })))
}

async function tampered(
  { server, claims }: SetUp,
  segment: 0 | 1,
  change: Buffer | ((json: string) => string),
): Promise<string> {
  const token = await server.token(key, claims)
  return replaceSegment(token, segment, Buffer.isBuffer(change) ? change : Buffer.from(change(decoded(token, segment))))
}

/** Changes the text of a segment and signs the result with the issuer's true key. */
async function resign(token: string, segment: 0 | 1, rewrite: (json: string) => string): Promise<string> {
  const changed = replaceSegment(token, segment, Buffer.from(rewrite(decoded(token, segment))))
  const signed = changed.slice(0, changed.lastIndexOf('.'))
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = await crypto.subtle.sign(algorithm, key.privateKey, new TextEncoder().encode(signed))
  return `${signed}.${Buffer.from(signature).toString('base64url')}`
}

function decoded(token: string, segment: 0 | 1): string {
  return Buffer.from(token.split('.')[segment] ?? '', 'base64url').toString()
}

function replaceSegment(token: string, segment: 0 | 1, bytes: Buffer): string {
  return token.split('.').with(segment, bytes.toString('base64url')).join('.')
}
