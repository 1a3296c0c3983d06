/** ID-2: access tokens of an outside issuer over HTTPS, with a certificate of a private authority. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTestIdentity, type TestIdentity } from '../fixtures/certificate.ts'
import { ask, callTool, modern, stream } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { LoopbackIssuer, type SigningKey, signingKey } from '../identity/loopback-issuer.ts'

let identity: TestIdentity
let issuer: LoopbackIssuer
let key: SigningKey
let upstream: CountingUpstream
let gateway: TestGateway
let shiftMs = 0

before(async () => {
  identity = await createTestIdentity()
  issuer = await LoopbackIssuer.start({ after: () => {} }, identity)
  key = await signingKey('first')
  issuer.keys = [key.jwk]
  upstream = await startCounting()
  gateway = await startTestGateway({
    upstreams: ['one', 'two'].map((name) => ({ name, url: upstream.url })),
    clock: { now: () => Date.now() + shiftMs },
    config: {
      identity: {
        issuers: [
          {
            issuer: issuer.issuer,
            ca: identity.caFile,
            algorithms: ['ES256'],
            roles: { claim: ['realm', 'groups'], map: { operators: ['admin'] } },
            tenant: { claim: 'org', map: { acme: 'acme' } },
          },
        ],
      },
    },
  })
})
after(async () => {
  await gateway.close()
  await upstream.close()
  await issuer.stop()
  identity.remove()
})

const now = () => Math.floor((Date.now() + shiftMs) / 1000)
const claims = (change: object = {}) => ({
  sub: 'alice',
  aud: gateway.endpoint('one'),
  exp: now() + 300,
  iat: now(),
  org: 'acme',
  realm: { groups: ['operators'] },
  ...change,
})
const tokenOf = (change: object = {}, header: Record<string, unknown> = {}, by = key) =>
  issuer.token(by, claims(change), header)
const echo = (token: string, url = gateway.endpoint('one')) => callTool(gateway, 'echo', { text: 'x' }, { token, url })

test('a good token opens the upstream that it was issued for, and no other', async () => {
  const token = await tokenOf()
  assert.equal((await echo(token)).status, 200)
  const earlier = upstream.count()
  assert.equal((await echo(token, gateway.endpoint('two'))).status, 401)
  assert.equal((await echo(token, `${gateway.origin}/mcp`)).status, 401)
  assert.equal(upstream.count(), earlier)
  const both = await tokenOf({ aud: [gateway.endpoint('one'), gateway.endpoint('two')] })
  assert.deepEqual([(await echo(both)).status, (await echo(both, gateway.endpoint('two'))).status], [200, 200])
})

test('the token itself reaches neither the upstream nor the log', async () => {
  const token = await tokenOf({ jti: 'seen' })
  await echo(token)
  const signature = token.slice(token.lastIndexOf('.') + 1)
  const heard = upstream.seen.map(({ rawHeaders, text }) => `${rawHeaders.join(' ')} ${text}`)
  for (const text of [...heard, ...gateway.logged]) assert.ok(!text.includes(signature))
})

/** Title, claims, header. */
const BAD: readonly (readonly [string, () => object, Record<string, unknown>?])[] = [
  ['another audience', () => ({ aud: 'https://other.example/mcp' })],
  ['an audience that only begins alike', () => ({ aud: `${gateway.endpoint('one')}/more` })],
  ['the origin as its audience', () => ({ aud: gateway.origin })],
  ['no audience', () => ({ aud: undefined })],
  ['another issuer', () => ({ iss: 'https://other.example' })],
  ['an issuer with a slash more', () => ({ iss: `${issuer.issuer}/` })],
  ['no issuer', () => ({ iss: undefined })],
  ['an expiry that has passed', () => ({ exp: now() - 60 })],
  ['no expiry', () => ({ exp: undefined })],
  ['an expiry that is text', () => ({ exp: 'never' })],
  ['a beginning that is to come', () => ({ nbf: now() + 120 })],
  ['an issue that is to come', () => ({ iat: now() + 120 })],
  ['no subject', () => ({ sub: undefined })],
  ['an unknown tenant', () => ({ org: 'other' })],
  ['no tenant', () => ({ org: undefined })],
  ['a binding to a key that nobody proves', () => ({ cnf: { jkt: 'x' } })],
  ['the type of an ID token', () => ({}), { typ: 'JWT' }],
  ['the type of a DPoP proof', () => ({}), { typ: 'dpop+jwt' }],
  ['no type', () => ({}), { typ: undefined }],
  ['a key id that nobody has', () => ({}), { kid: 'other' }],
]

for (const [title, change, header] of BAD) {
  test(`a token with ${title} is refused`, async () => {
    const earlier = upstream.count()
    const reply = await echo(await tokenOf(change(), header))
    assert.equal(reply.status, 401, reply.text)
    assert.equal(upstream.count(), earlier)
  })
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a token that is not signed by a key of the issuer is refused, whatever its algorithm says', async () => {
  const earlier = upstream.count()
  const header = { alg: 'ES256', typ: 'at+jwt', kid: 'first' }
  const payload = part({ iss: issuer.issuer, ...claims() })
  const good = await tokenOf()
  const publicKey = JSON.stringify(key.jwk)
  const hmac = `${part({ ...header, alg: 'HS256' })}.${payload}`
  const stranger = await signingKey('first')
  const forgeries = [
    `${part({ ...header, alg: 'none' })}.${payload}.`,
    `${part(header)}.${payload}.`,
    `${hmac}.${createHmac('sha256', publicKey).update(hmac).digest('base64url')}`,
    await tokenOf({}, {}, stranger),
    await tokenOf({}, { jwk: stranger.jwk }, stranger),
    `${good.split('.')[0]}.${payload}x.${good.split('.')[2]}`,
    await issuer.token(await signingKey('rsa', 'RS256'), claims()),
    `${good}.x`,
    good.split('.').slice(0, 2).join('.'),
    'a.b.c',
  ]
  for (const token of forgeries) assert.equal((await echo(token)).status, 401, token.slice(0, 60))
  assert.equal(upstream.count(), earlier)
})

test('claims become roles and a tenant; a token without a role may nothing', async () => {
  const plain = await tokenOf({ realm: { groups: ['others'] } })
  assert.equal((await echo(plain)).json.error.code, -32602)
  assert.equal((await ask(gateway, 'tools/list', {}, { token: plain })).status, 403)
})

test('a token ends with its expiry, though it is remembered, and its stream with it', async () => {
  // The tolerance is 30 seconds.
  const exp = now() - 28
  const token = await tokenOf({ exp })
  const { body, headers } = modern('subscriptions/listen', { notifications: { toolsListChanged: true } })
  const listening = await stream(gateway, body, { token, headers })
  assert.equal(listening.status, 200)
  await listening.until(/subscriptions\/acknowledged/)
  await listening.ended
  assert.ok(Date.now() + shiftMs >= (exp + 30) * 1000, 'not before')
  assert.equal((await echo(token)).status, 401)
})

test('a new key of the issuer is found, and a withdrawn one ends with the memory of it', async () => {
  const old = await tokenOf({ exp: now() + 3_000 })
  assert.equal((await echo(old)).status, 200)
  const second = await signingKey('second')
  issuer.keys = [second.jwk]
  await pass(31_000)
  const asked = issuer.count('/jwks')
  assert.equal((await echo(await tokenOf({}, {}, second))).status, 200)
  assert.equal(issuer.count('/jwks'), asked + 1)
  await pass(61_000)
  assert.equal((await echo(old)).status, 401)
  for (let more = 0; more < 5; more++) await echo(await tokenOf({ jti: `${more}` }, { kid: `made-up-${more}` }, second))
  assert.ok(issuer.count('/jwks') <= asked + 2, 'made-up key ids do not make us ask each time')
})

test('an issuer that does not answer lets nobody new in', async () => {
  const token = await tokenOf({}, {}, await signingKey('second'))
  await pass(2_000_000)
  const answers = { '/jwks': (_: unknown, response: { destroy(): void }) => response.destroy() }
  issuer.answers = answers
  const reply = await echo(await tokenOf({}, {}, key))
  assert.deepEqual([reply.status, reply.json.error.data.code], [503, 'identity.unavailable'])
  assert.notEqual((await echo(token)).status, 200)
})

async function pass(ms: number): Promise<void> {
  shiftMs += ms
  while ((await callTool(gateway, 'echo', {}, { token: gateway.token })).status === 503) await sleep(50)
}
