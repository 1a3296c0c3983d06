/** ID-4: the flows of the embedded authorization server beside the plain code flow. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose'
import { Secret, TOTP } from 'otpauth'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { proofFor, proofKey } from '../fixtures/proof.ts'
import {
  authorizeUrl,
  PASSWORD,
  pkce,
  REDIRECT,
  redeem,
  type SignInGateway,
  signInAndAllow,
  startSignIn,
  tokensOf,
} from '../fixtures/sign-in.ts'

let upstream: CountingUpstream
let gateway: SignInGateway

before(async () => {
  upstream = await startCounting()
  gateway = await startSignIn({
    upstreams: [{ name: 'one', url: upstream.url }],
    server: { scopes: { mcp: 'Use the tools of this server on your behalf', admin: 'Change how this server works' } },
  })
  await gateway.person('alice')
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

const echo = (token: string) => callTool(gateway, 'echo', { text: 'x' }, { token })
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

test('a device gets its token after a person has confirmed its code', async () => {
  const { id } = await gateway.client({ device: true, redirects: [], name: 'Television' })
  const asked = await gateway.tell('/device/authorize', { client_id: id, resource: gateway.url })
  assert.equal(asked.status, 200, asked.text)
  const {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri_complete: address,
  } = asked.json as Record<string, string>
  const poll = () => gateway.tell('/token', { grant_type: DEVICE_GRANT, client_id: id, device_code: deviceCode ?? '' })
  assert.equal((await poll()).json.error, 'authorization_pending')

  const browser = gateway.browser()
  const page = await browser.get(address ?? '')
  assert.ok(page.text.includes(`value="${userCode}"`), 'the code is filled in, and still has to be sent')
  const confirm = await browser.submit(page, '/auth/device', { user_code: userCode ?? '' })
  assert.match(confirm.text, /Television/)
  assert.equal((await poll()).json.error, 'authorization_pending')
  const signIn = await browser.submit(confirm, '/auth/device')
  const consent = await browser.submit(signIn, '/sign-in', { name: 'alice', password: PASSWORD })
  assert.match(consent.text, /the device that you have confirmed/)
  const done = await browser.submit(consent, '/consent')
  assert.match(done.text, /Your device is connected/)

  const told = await poll()
  assert.equal(told.status, 200, told.text)
  assert.equal((await echo(told.json.access_token as string)).status, 200)
  assert.equal((await poll()).json.error, 'invalid_grant', 'the code worked once')
})

test('a device that a person refuses gets nothing, and a wrong code is no code', async () => {
  const { id } = await gateway.client({ device: true, redirects: [] })
  const asked = (await gateway.tell('/device/authorize', { client_id: id })).json as Record<string, string>
  const browser = gateway.browser()
  const wrong = await browser.submit(await browser.get('/auth/device'), '/auth/device', { user_code: 'BBBB-BBBB' })
  assert.equal(wrong.status, 400)
  const page = await browser.submit(await browser.get('/auth/device'), '/auth/device', {
    user_code: asked['user_code'] ?? '',
  })
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  await browser.post('/auth/device', { xsrf, user_code: asked['user_code'] ?? '', abort: 'yes' })
  const told = await gateway.tell('/token', {
    grant_type: DEVICE_GRANT,
    client_id: id,
    device_code: asked['device_code'] ?? '',
  })
  assert.deepEqual([told.status, told.json.error], [400, 'access_denied'])
})

test('a request can be pushed first, and works once', async () => {
  const { id } = await gateway.client()
  const { verifier, challenge } = pkce()
  const url = new URL(authorizeUrl(gateway, id, { code_challenge: challenge }))
  const pushed = await gateway.tell('/par', url.searchParams)
  assert.equal(pushed.status, 201, pushed.text)
  const request = { client_id: id, request_uri: (pushed.json as { request_uri: string }).request_uri }
  const address = `${gateway.issuer}/authorize?${new URLSearchParams(request)}`
  const browser = gateway.browser()
  const { leadsTo } = await signInAndAllow(browser, await browser.get(address), 'alice')
  assert.equal((await redeem(gateway, id, leadsTo?.searchParams.get('code') ?? '', verifier)).status, 200)
  const again = await browser.get(address)
  assert.notEqual(again.status, 200)
  assert.equal(again.leadsTo?.searchParams.get('code') ?? null, null)
})

test('a token with a proof of possession is bound to its key', async () => {
  const { id } = await gateway.client()
  const key = await proofKey()
  const { verifier, challenge } = pkce()
  const browser = gateway.browser()
  const page = await browser.get(authorizeUrl(gateway, id, { code_challenge: challenge }))
  const { leadsTo } = await signInAndAllow(browser, page, 'alice')
  const form = {
    grant_type: 'authorization_code',
    client_id: id,
    code: leadsTo?.searchParams.get('code') ?? '',
    code_verifier: verifier,
    redirect_uri: REDIRECT,
  }
  const proof = await proofFor(key, { url: `${gateway.issuer}/token`, token: '', claims: { ath: undefined } })
  const told = await gateway.tell('/token', form, { dpop: proof })
  assert.equal(told.status, 200, told.text)
  const { access_token: token, token_type: type } = told.json as Record<string, string>
  assert.equal(type, 'DPoP')
  const claims = JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString()) as { cnf: { jkt: string } }
  assert.equal(claims.cnf.jkt, key.jkt)
  const earlier = upstream.count()
  assert.equal((await echo(token ?? '')).status, 401, 'as a bearer token it is worth nothing')
  assert.equal(upstream.count(), earlier)
  const replayed = await gateway.tell('/token', { ...form, code: 'other' }, { dpop: proof })
  assert.equal(replayed.status, 400)
})

const assertion = (id: string, key: CryptoKey, changes: Record<string, unknown> = {}) => {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: id, sub: id, aud: gateway.issuer, jti: randomUUID(), iat: now, exp: now + 60, ...changes }
  return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(key)
}

test('a program proves itself by its key, each proof once, and acts with its own roles', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }
  const keys = { kind: 'keys', jwks: { keys: [jwk] } } as const
  const { id } = await gateway.client({ proof: keys, roles: ['admin'], redirects: [] })
  const ask = (client_assertion: string) =>
    gateway.tell('/token', {
      grant_type: 'client_credentials',
      resource: gateway.url,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion,
    })
  const proof = await assertion(id, privateKey)
  const told = await ask(proof)
  assert.equal(told.status, 200, told.text)
  assert.equal((await echo(told.json.access_token as string)).status, 200)
  const stranger = (await generateKeyPair('ES256')).privateKey
  for (const bad of [
    proof,
    await assertion(id, stranger),
    await assertion(id, privateKey, { aud: 'https://other.example' }),
    await assertion(id, privateKey, { exp: Math.floor(Date.now() / 1000) - 60 }),
    await assertion(id, privateKey, { sub: 'other' }),
    await assertion(id, privateKey, { jti: undefined }),
  ]) {
    const refused = await ask(bad)
    assert.equal(refused.status, 401, refused.text)
    assert.equal(refused.json.access_token, undefined)
  }
})

test('a client gets the scope that a person has consented to, and no other', async () => {
  const { id } = await gateway.client()
  for (const [asked, given] of [
    [null, 'mcp'],
    ['mcp admin', 'mcp admin'],
    ['admin', 'admin'],
    ['mcp unknown', 'mcp'],
  ] as const) {
    const { verifier, challenge } = pkce()
    const browser = gateway.browser()
    const page = await browser.get(authorizeUrl(gateway, id, { code_challenge: challenge, scope: asked }))
    const { leadsTo } = await signInAndAllow(browser, page, 'alice')
    const told = await redeem(gateway, id, leadsTo?.searchParams.get('code') ?? '', verifier)
    assert.equal(told.json.scope, given)
  }
})

test('an account with a second factor needs its code, and each code works once', async () => {
  const secured = await gateway.person('secured')
  const uri = new URL(await gateway.accounts.enrolTotp(secured, 'test'))
  const totp = new TOTP({ secret: Secret.fromBase32(uri.searchParams.get('secret') ?? '') })
  const { id } = await gateway.client()
  const attempt = async (code: string) => {
    const browser = gateway.browser()
    const page = await browser.get(authorizeUrl(gateway, id))
    return browser.submit(page, '/sign-in', { name: 'secured', password: PASSWORD, code })
  }
  const code = totp.generate()
  assert.equal((await attempt('')).status, 400)
  assert.match((await attempt(code)).text, /You are signed in as/)
  assert.equal((await attempt(code)).status, 400, 'the same code again')
  const stored = await gateway.accounts.find('default', 'secured')
  assert.ok(!stored?.totp?.includes(uri.searchParams.get('secret') ?? ''), 'the secret is sealed')
})

test('a policy can demand a second factor, because the token says how its holder signed in', async (t) => {
  const policy = `permit (principal in Role::"admin", action, resource) when { principal has amr && principal.amr.contains("mfa") };`
  const strict = await startSignIn({ upstreams: [{ name: 'one', url: upstream.url }], policy })
  t.after(() => strict.close())
  const secured = await strict.person('secured')
  await strict.person('plain')
  const uri = new URL(await strict.accounts.enrolTotp(secured, 'test'))
  const totp = new TOTP({ secret: Secret.fromBase32(uri.searchParams.get('secret') ?? '') })
  const { id } = await strict.client()
  const weak = await tokensOf(strict, id, 'plain')
  const earlier = upstream.count()
  const reply = await callTool(strict, 'echo', { text: 'x' }, { token: weak.access_token })
  assert.ok(reply.status === 403 || reply.json.error !== undefined, reply.text)
  assert.equal(upstream.count(), earlier)
  const strong = await tokensOf(strict, id, 'secured', {}, totp.generate())
  assert.equal((await callTool(strict, 'echo', { text: 'x' }, { token: strong.access_token })).status, 200)
  assert.equal(upstream.count(), earlier + 1)
})

test('a browser that is signed in has to consent for each client, but not to sign in again', async () => {
  const [first, second] = [await gateway.client(), await gateway.client()]
  const browser = gateway.browser()
  await signInAndAllow(browser, await browser.get(authorizeUrl(gateway, first.id)), 'alice')
  const page = await browser.get(authorizeUrl(gateway, second.id))
  assert.match(page.text, /You are signed in as/)
})

test('who signs in as somebody else is first signed out, by a button', async () => {
  await gateway.person('other')
  const { id } = await gateway.client()
  const browser = gateway.browser()
  await signInAndAllow(browser, await browser.get(authorizeUrl(gateway, id)), 'alice')
  const page = await browser.get(authorizeUrl(gateway, id, { prompt: 'login' }))
  const shown = await browser.submit(page, '/sign-in', { name: 'other', password: PASSWORD })
  assert.match(shown.text, />Continue<\/button>/)
  const consent = await browser.submit(shown, '/sign-out/confirm')
  assert.match(consent.text, /You are signed in as <strong>other/)
})

test('a request that names no resource is for the aggregate, of a device too', async () => {
  const claimsOf = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { aud: string }
  const { id } = await gateway.client({ device: true })
  const { verifier, challenge } = pkce()
  const browser = gateway.browser()
  const page = await browser.get(authorizeUrl(gateway, id, { code_challenge: challenge, resource: null }))
  const { leadsTo } = await signInAndAllow(browser, page, 'alice')
  const told = await redeem(gateway, id, leadsTo?.searchParams.get('code') ?? '', verifier)
  assert.equal(claimsOf(told.json.access_token as string).aud, `${gateway.origin}/mcp`)
  const asked = (await gateway.tell('/device/authorize', { client_id: id })).json as Record<string, string>
  const typed = await browser.submit(await browser.get('/auth/device'), '/auth/device', {
    user_code: asked['user_code'] ?? '',
  })
  const consent = await browser.submit(typed, '/auth/device')
  assert.match((await browser.submit(consent, '/consent')).text, /Your device is connected/)
  const form = { grant_type: DEVICE_GRANT, client_id: id, device_code: asked['device_code'] ?? '' }
  assert.equal(claimsOf((await gateway.tell('/token', form)).json.access_token as string).aud, `${gateway.origin}/mcp`)
})

test('a form that has to go to another site is sent by a button, not by a script', async () => {
  const { id } = await gateway.client()
  const browser = gateway.browser()
  const page = await browser.get(authorizeUrl(gateway, id, { response_mode: 'form_post' }))
  const shown = await signInAndAllow(browser, page, 'alice')
  assert.match(shown.text, />Continue<\/button>/)
  assert.doesNotMatch(shown.text, /<script/)
  assert.ok(shown.text.includes(`action="${REDIRECT}"`))
})
