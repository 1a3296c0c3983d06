/** ID-4: which ways to sign in suffice, and what people do with their own account. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import * as OTPAuth from 'otpauth'
import { callTool } from '../fixtures/client.ts'
import { Authenticator, passkeyOptions } from '../fixtures/authenticator.ts'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { namedListener } from '../fixtures/named-listener.ts'
import { csrfOf, startProviderGateway } from '../fixtures/provider-gateway.ts'
import {
  authorizeUrl,
  PASSWORD,
  pkce,
  redeem,
  refresh,
  type SignInGateway,
  startSignIn,
  tokensOf,
} from '../fixtures/sign-in.ts'

async function start(t: TestContext, server: object, listen?: object, clock?: { now(): number }) {
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const gateway = await startSignIn({
    upstreams: ['one', 'two'].map((name) => ({ name, url: upstream.url })),
    server,
    ...(clock && { clock }),
    ...(listen && { config: { listen } }),
  })
  t.after(() => gateway.close())
  return { gateway, clientId: (await gateway.client()).id }
}

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

test('with password+totp a password alone lets nobody in', async (t) => {
  const { gateway, clientId } = await start(t, { signIn: ['password+totp'] })
  await gateway.person('without')
  await assert.rejects(tokensOf(gateway, clientId, 'without'))
  const page = await gateway.browser().get(authorizeUrl(gateway, clientId))
  assert.match(page.text, /from your authenticator/)
  assert.doesNotMatch(page.text, /passkey/i)
  const account = await gateway.person('with')
  const totp = OTPAuth.URI.parse(await gateway.accounts.enrolTotp(account, 'test'))
  await assert.rejects(tokensOf(gateway, clientId, 'with'))
  await assert.rejects(tokensOf(gateway, clientId, 'with', {}, '000000'))
  const tokens = await tokensOf(gateway, clientId, 'with', {}, totp.generate())
  assert.deepEqual(claimsOf(tokens.access_token)['amr'], ['pwd', 'otp', 'mfa'])
})

test('with passkey alone there is no password, neither to set nor to use', async (t) => {
  const { gateway, clientId } = await start(t, { signIn: ['passkey'] }, await namedListener())
  const old = await gateway.person('old')
  const browser = gateway.browser()
  const page = await browser.get(authorizeUrl(gateway, clientId))
  assert.doesNotMatch(page.text, /type="password"/)
  assert.match(page.text, /Passkeys need JavaScript/)
  const fields = { csrf: csrfOf(page), method: 'password', name: 'old', password: PASSWORD }
  assert.equal((await browser.post(`${page.url}/sign-in`, fields)).status, 400)

  const link = `/auth${await gateway.accounts.invite(old)}`
  const welcome = await browser.get(link)
  assert.doesNotMatch(welcome.text, /type="password"/)
  const password = { csrf: csrfOf(welcome), password: PASSWORD, again: PASSWORD }
  assert.equal((await browser.post(link, password)).status, 403)
  const key = new Authenticator()
  const wrong = key.create(passkeyOptions(welcome, 'create'), gateway.origin, { userVerified: false })
  const again = await browser.post(link, { csrf: csrfOf(welcome), response: wrong })
  assert.equal(again.status, 400)
  const right = key.create(passkeyOptions(again, 'create'), gateway.origin)
  assert.match((await browser.post(link, { csrf: csrfOf(again), response: right })).text, /Your passkey is set/)
  assert.equal((await browser.get(link)).status, 400, 'the link is used up')

  const own = gateway.browser()
  const asked = await own.get(authorizeUrl(gateway, clientId))
  const response = key.get(passkeyOptions(asked, 'get'), gateway.origin)
  const signedIn = await own.post(`${asked.url}/sign-in`, { csrf: csrfOf(asked), method: 'passkey', response })
  assert.match(signedIn.text, />Allow</)
})

test('with no way here people sign in at their provider only', async (t) => {
  const started = await startProviderGateway(
    { acme: { people: { ada: { email: 'ada@acme.example', email_verified: true } }, config: LET_IN } },
    { upstreams: [{ name: 'one', url: 'http://127.0.0.1:9/mcp' }], server: { signIn: [] } },
  )
  t.after(() => started.close())
  const { gateway, clientId, signIn } = started
  await gateway.person('local')
  const browser = gateway.browser()
  const page = await browser.get(authorizeUrl(gateway, clientId))
  assert.doesNotMatch(page.text, /type="password"|data-passkey|<script/)
  const fields = { csrf: csrfOf(page), method: 'password', name: 'local', password: PASSWORD }
  assert.equal((await browser.post(`${page.url}/sign-in`, fields)).status, 400)
  assert.ok((await signIn('acme', 'ada')).page.leadsTo?.searchParams.has('code'))
})

test('an invitation makes no passkey for somebody who belongs to a provider', async (t) => {
  const people = { ada: { email: 'ada@acme.example', email_verified: true } }
  for (const signIn of [['passkey'], ['password', 'passkey']]) {
    const started = await startProviderGateway(
      { acme: { people, config: LET_IN } },
      { upstreams: [{ name: 'one', url: 'http://127.0.0.1:9/mcp' }], server: { signIn } },
    )
    t.after(() => started.close())
    const { gateway } = started
    await started.signIn('acme', 'ada')
    const [ada] = await gateway.accounts.list('default')
    assert.ok(ada)
    const own = await gateway.person('own')
    const link = `/auth${await gateway.accounts.invite(ada)}`
    const browser = gateway.browser()
    const page = await browser.get(link)
    assert.equal(page.status, signIn.includes('password') ? 200 : 400)
    assert.doesNotMatch(page.text, /data-passkey|<script/)
    // A form and a challenge that are good for somebody else, and whatever token she has.
    const ownPage = await browser.get(`/auth${await gateway.accounts.invite(own)}`)
    const response = new Authenticator().create(passkeyOptions(ownPage, 'create'), gateway.origin)
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? 'x'.repeat(43)
    assert.equal((await browser.post(link, { csrf, response })).status, 403)
    assert.deepEqual(await gateway.accounts.passkeysOf(ada), [])
    assert.equal((await browser.get(link)).text, page.text, 'the link is not used up')
  }
})

const LET_IN = { create: 'on-first-sign-in', admit: 'everybody', everyone: ['user'] }

test('where browsers have no passkeys none are offered, and no page has a script', async (t) => {
  const { gateway, clientId } = await start(t, {})
  const page = await gateway.browser().get(authorizeUrl(gateway, clientId))
  assert.doesNotMatch(page.text, /passkey|<script/i)
  assert.doesNotMatch(String(page.headers['content-security-policy']), /script-src/)
  await gateway.person('alice')
  const { page: account } = await accountPage(gateway, 'alice')
  assert.doesNotMatch(account.text, /passkey|<script/i)
})

async function accountPage(gateway: SignInGateway, name: string) {
  const browser = gateway.browser()
  const page = await browser.submit(await browser.get('/auth/account'), '/sign-in', { name, password: PASSWORD })
  return { browser, page }
}

test('on their page people see what they have let in, and what they end has ended at once', async (t) => {
  const { gateway, clientId } = await start(t, {})
  await gateway.person('alice')
  await gateway.person('bob')
  const { id: otherClient } = await gateway.client({ name: 'Another application' })
  const [mine, other, bobs] = [
    await tokensOf(gateway, clientId, 'alice'),
    await tokensOf(gateway, otherClient, 'alice', { resource: gateway.endpoint('two') }),
    await tokensOf(gateway, clientId, 'bob'),
  ]
  const status = async (token: string, url = gateway.endpoint('one')) =>
    (await callTool(gateway, 'echo', { text: 'x' }, { token, url })).status
  const { browser, page } = await accountPage(gateway, 'alice')
  assert.match(page.text, /Test client[\s\S]+one/)
  assert.match(page.text, /Another application[\s\S]+two/)
  const id =
    new RegExp('name="id" value="([^"]+)"><button[^>]+End the access of Test client').exec(page.text)?.[1] ?? ''
  const { page: bobsPage, browser: bob } = await accountPage(gateway, 'bob')
  const foreign = await bob.post('/auth/account/consent/end', { csrf: csrfOf(bobsPage), id })
  assert.equal(foreign.status, 400)
  assert.match(foreign.text, /This is not there any more/)
  assert.equal((await browser.post('/auth/account/consent/end', { csrf: 'x'.repeat(43), id })).status, 403)
  assert.equal(await status(mine.access_token), 200)

  const ended = await browser.post('/auth/account/consent/end', { csrf: csrfOf(page), id })
  assert.doesNotMatch(ended.text, /Test client/)
  assert.equal(await status(mine.access_token), 401, 'at once')
  assert.equal((await refresh(gateway, clientId, mine.refresh_token)).json.error, 'invalid_grant')
  assert.equal(await status(other.access_token, gateway.endpoint('two')), 200)
  assert.equal(await status(bobs.access_token), 200)

  await browser.post('/auth/account/end-all', { csrf: csrfOf(ended) })
  assert.equal(await status(other.access_token, gateway.endpoint('two')), 401)
  assert.equal((await refresh(gateway, otherClient, other.refresh_token)).json.error, 'invalid_grant')
  assert.match((await browser.get('/auth/account')).text, /<h1>Sign in<\/h1>/)
  assert.equal(await status(bobs.access_token), 200)
  const changes = gateway.records().map(({ what }) => what)
  assert.ok(changes.includes('grant.ended') && changes.includes('user.signed-out-everywhere'))
})

test('a browser that is signed out on the page is signed out, with what it had let in', async (t) => {
  const { gateway, clientId } = await start(t, {})
  await gateway.person('alice')
  const { verifier, challenge } = pkce()
  const elsewhere = gateway.browser()
  const asked = await elsewhere.get(authorizeUrl(gateway, clientId, { code_challenge: challenge }))
  const consent = await elsewhere.submit(asked, '/sign-in', { name: 'alice', password: PASSWORD })
  const { leadsTo } = await elsewhere.submit(consent, '/consent')
  const { json } = await redeem(gateway, clientId, leadsTo?.searchParams.get('code') ?? '', verifier)
  assert.match((await elsewhere.get(authorizeUrl(gateway, clientId))).text, />Allow</, 'still signed in')
  const { browser, page } = await accountPage(gateway, 'alice')
  await browser.submit(page, '/session/end')
  assert.match((await elsewhere.get(authorizeUrl(gateway, clientId))).text, /<h1>Sign in<\/h1>/)
  const reply = await callTool(gateway, 'echo', { text: 'x' }, { token: String(json.access_token) })
  assert.equal(reply.status, 401)
})

test('the page opens by a sign-in of its own, in this browser, for ten minutes', async (t) => {
  let shift = 0
  const clock = { now: () => Date.now() + shift }
  const { gateway, clientId } = await start(t, {}, undefined, clock)
  const person = await gateway.person('alice')
  const browser = gateway.browser()
  const asked = await browser.get(authorizeUrl(gateway, clientId))
  await browser.submit(await browser.submit(asked, '/sign-in', { name: 'alice', password: PASSWORD }), '/consent')
  const first = await browser.get('/auth/account')
  assert.match(first.text, /<h1>Sign in<\/h1>/, 'the session of applications does not open it')
  assert.ok(browser.cookies.some((name) => name.startsWith('__Host-portcullis_account')))
  const stranger = gateway.browser()
  const csrf = csrfOf(first)
  const fields = { csrf, method: 'password', name: 'alice', password: PASSWORD }
  assert.doesNotMatch((await stranger.post('/auth/account/sign-in', fields)).text, /Your account/)
  await stranger.get('/auth/account')
  assert.equal((await stranger.post('/auth/account/sign-in', fields)).status, 403, 'the form of another browser')

  const page = await browser.submit(first, '/sign-in', { name: 'alice', password: PASSWORD })
  assert.match(page.text, /Your account/)
  shift = 10 * 60_000
  assert.match((await browser.get('/auth/account')).text, /<h1>Sign in<\/h1>/)
  const late = await browser.post('/auth/account/end-all', { csrf: csrfOf(page) })
  assert.match(late.text, /<h1>Sign in<\/h1>/)
  assert.ok(!gateway.records().some(({ what }) => what === 'user.signed-out-everywhere'))

  const again = await browser.submit(await browser.get('/auth/account'), '/sign-in', {
    name: 'alice',
    password: PASSWORD,
  })
  assert.match(again.text, /Your account/)
  await gateway.accounts.disable(person)
  assert.match((await browser.get('/auth/account')).text, /<h1>Sign in<\/h1>/)
})
