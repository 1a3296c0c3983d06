import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Agent } from 'undici'
import { Secret } from '../../src/core/secret.ts'
import { credentialDigest } from '../../src/identity/api-key.ts'
import { createFetchJson, createPostForm } from '../../src/identity/fetch-json.ts'
import { createIntrospector, type IntrospectionSettings } from '../../src/identity/introspection.ts'
import { LoopbackIssuer, signingKey } from './loopback-issuer.ts'
import { StillClock } from './still-clock.ts'

const RESOURCE = 'https://gate.example/mcp/files'
const TOKEN = 'opaque-token_1~+/=='

async function setUp(t: TestContext, changes: Partial<IntrospectionSettings> = {}) {
  const server = await LoopbackIssuer.start(t)
  const clock = new StillClock()
  const dispatcher = new Agent()
  t.after(() => dispatcher.destroy())
  const plainHttp = 'loopback-for-tests'
  const limits = { timeoutMs: 2_000, maxBytes: 10_000, plainHttp, dispatcher } as const
  const introspect = createIntrospector({
    settings: {
      issuer: server.issuer,
      ...{ clientId: 'gate way', secret: new Secret('s%cret:é'), clockSkewSeconds: 10, rememberSeconds: 7 },
      claims: { tenant: { fixed: 'acme' } },
      ...changes,
    },
    ...{ clock, plainHttp, fetchJson: createFetchJson(limits), postForm: createPostForm(limits) },
  })
  const active = { active: true, sub: 'ann', aud: RESOURCE, exp: clock.seconds + 300, scope: 'a b' }
  server.introspect = () => active
  return { server, clock, introspect, active }
}

describe('createIntrospector', () => {
  it('asks the issuer that its metadata name, with our name and secret', async (t) => {
    const { server, introspect, active } = await setUp(t)
    const verified = await introspect(TOKEN)
    const expiresAt = (active.exp + 10) * 1000
    const digest = credentialDigest(TOKEN)
    assert.deepEqual(verified, {
      facts: {
        principal: {
          id: `${server.issuer}|ann`,
          ...{ tenant: 'acme', roles: [], scopes: ['a', 'b'] },
          credential: { kind: 'opaque', id: digest, digest, expiresAt },
        },
      },
      ...{ audiences: [RESOURCE], expiresAt, rememberSeconds: 7 },
    })
    const [asked] = server.introspections
    assert.equal(asked?.form.get('token'), TOKEN)
    const secret = Buffer.from('gate+way:s%25cret%3A%C3%A9').toString('base64')
    assert.equal(asked?.authorization, `Basic ${secret}`)
  })

  it('finds the endpoint once', async (t) => {
    const { server, introspect } = await setUp(t)
    await introspect(TOKEN)
    await introspect('another')
    assert.equal(server.count('/.well-known/openid-configuration'), 1)
    assert.equal(server.introspections.length, 2)
  })

  it('keeps the binding that the issuer tells', async (t) => {
    const { server, introspect, active } = await setUp(t)
    const jkt = 'A'.repeat(43)
    server.introspect = () => ({ ...active, token_type: 'DPoP', cnf: { jkt } })
    const { binding, facts } = await introspect(TOKEN)
    assert.deepEqual([binding, facts.principal.credential.bound], [{ jkt }, 'key'])
  })

  it('accepts a listed audience in place of the resource', async (t) => {
    const { server, introspect, active } = await setUp(t, { audiences: ['api://gate'] })
    server.introspect = () => ({ ...active, aud: ['x', 'api://gate'] })
    assert.equal((await introspect(TOKEN)).audiences, undefined)
    server.introspect = () => active
    await assert.rejects(introspect(TOKEN), { code: 'identity.wrong_audience' })
  })

  type Answer = Readonly<Record<string, unknown>>
  const BAD: readonly (readonly [string, (active: Answer, seconds: number) => Answer, string?])[] = [
    ['inactive', () => ({ active: false })],
    ['active by a text', (active) => ({ ...active, active: 'true' })],
    ['active by a number', (active) => ({ ...active, active: 1 })],
    ['without a word about it', ({ active: _, ...rest }) => rest],
    ['of another issuer', (active) => ({ ...active, iss: 'https://evil.example' })],
    ['without an end', ({ exp: _, ...rest }) => rest],
    ['with an end that is text', (active) => ({ ...active, exp: '9999999999' })],
    ['without a subject', ({ sub: _, ...rest }) => rest],
    ['that has ended', (active, seconds) => ({ ...active, exp: seconds - 10 }), 'identity.expired'],
    ['that begins later', (active, seconds) => ({ ...active, nbf: seconds + 11 })],
    ['from the future', (active, seconds) => ({ ...active, iat: seconds + 11 })],
    ['bound to something unknown', (active) => ({ ...active, cnf: { kid: 'x' } })],
    ['called bound, and to nothing', (active) => ({ ...active, token_type: 'dpop' })],
  ]
  for (const [what, change, code = 'identity.invalid_token'] of BAD) {
    it(`refuses a token ${what}`, async (t) => {
      const { server, introspect, active, clock } = await setUp(t)
      server.introspect = () => change(active, clock.seconds)
      await assert.rejects(introspect(TOKEN), { name: 'Fault', code })
    })
  }

  it('without an audience is good for no resource', async (t) => {
    const { server, introspect, active } = await setUp(t)
    const { aud: _, ...rest } = active
    server.introspect = () => rest
    assert.deepEqual((await introspect(TOKEN)).audiences, [])
  })

  it('never shows the issuer what is, or looks like, a JWT, or what is no token', async (t) => {
    const { server, introspect } = await setUp(t)
    const jwt = await server.token(await signingKey('one'), { sub: 'ann' })
    for (const token of [jwt, 'a.b.c', jwt.slice(0, 20), 'eyJhbGciOiJkaXIifQ..a.b.c', 'a b', 'a\nb', 'ä', '', '=']) {
      await assert.rejects(introspect(token), { code: 'identity.malformed' }, token)
    }
    assert.equal(server.introspections.length, 0)
  })

  const FAILURES: readonly (readonly [string, (server: LoopbackIssuer) => void])[] = [
    ['refuses us', (server) => (server.answers['/introspect'] = (_, response) => response.writeHead(401).end('{}'))],
    ['fails', (server) => (server.answers['/introspect'] = (_, response) => response.writeHead(500).end('{}'))],
    ['hangs up', (server) => (server.answers['/introspect'] = (request) => request.socket.destroy())],
    ['answers no JSON', (server) => (server.answers['/introspect'] = (_, response) => response.end('<html>'))],
    ['answers a list', (server) => (server.answers['/introspect'] = (_, response) => response.end('[]'))],
    [
      'answers without end',
      (server) => (server.answers['/introspect'] = (_, response) => response.end(`{"x":"${'x'.repeat(20_000)}"}`)),
    ],
    [
      'sends us elsewhere',
      (server) =>
        (server.answers['/introspect'] = (_, response) => response.writeHead(307, { location: '/other' }).end()),
    ],
    [
      'names an endpoint on an open wire',
      (server) => (server.metadata = { introspection_endpoint: 'http://evil.example/introspect' }),
    ],
    ['names no endpoint', (server) => (server.metadata = { introspection_endpoint: undefined })],
  ]
  for (const [what, fail] of FAILURES) {
    it(`lets nobody in when the issuer ${what}`, async (t) => {
      const { server, introspect } = await setUp(t)
      fail(server)
      await assert.rejects(introspect(TOKEN), { name: 'Fault', code: 'identity.unavailable' })
      assert.equal(server.count('/other'), 0)
    })
  }

  it('refuses an endpoint on an open wire', async (t) => {
    await assert.rejects(setUp(t, { url: 'http://login.example/introspect' }), TypeError)
  })
})
