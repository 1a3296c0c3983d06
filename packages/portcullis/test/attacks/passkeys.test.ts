/** Passkeys by an authenticator made of software: what is right lets in, and everything that is a little wrong does not. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { callTool } from '../fixtures/client.ts'
import { attestedPasskey } from '../fixtures/attested-passkey.ts'
import { Authenticator, type Answering, passkeyOptions } from '../fixtures/authenticator.ts'
import type { Browser, Page } from '../fixtures/browser.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { namedListener } from '../fixtures/named-listener.ts'
import { authorizeUrl, PASSWORD, pkce, redeem, type SignInGateway, startSignIn, tokensOf } from '../fixtures/sign-in.ts'

const POLICY = `@id("strong")
permit (principal in Role::"admin", action, resource)
  when { principal has amr && principal.amr.contains("mfa") && principal has acr && principal.acr == "phr" };
`

let upstream: CountingUpstream
let gateway: SignInGateway
let clientId: string

before(async () => {
  upstream = await startCounting()
  const listen = await namedListener()
  gateway = await startSignIn({
    upstreams: [{ name: 'one', url: upstream.url }],
    policy: POLICY,
    config: { listen },
  })
  clientId = (await gateway.client()).id
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

const of = (what: string) => gateway.records().filter((record) => record['what'] === what)
const csrfOf = ({ text }: Page) => /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? ''

/** Signs in at the account page and adds a passkey there. */
async function withPasskey(name: string, wrong: Answering = {}) {
  const account = (await gateway.accounts.find('default', name)) ?? (await gateway.person(name))
  const { browser, page } = await accountPage(name)
  const key = new Authenticator()
  const response = key.create(passkeyOptions(page, 'create'), gateway.origin, wrong)
  const added = await browser.submit(page, '/passkey/add', { response, label: 'Laptop' })
  return { account, browser, key, added }
}

async function accountPage(name: string): Promise<{ browser: Browser; page: Page }> {
  const browser = gateway.browser()
  const page = await browser.submit(await browser.get('/auth/account'), '/sign-in', { name, password: PASSWORD })
  assert.match(page.text, /<h1>Your account<\/h1>/)
  return { browser, page }
}

async function signInPage(challenge = pkce().challenge): Promise<{ browser: Browser; page: Page }> {
  const browser = gateway.browser()
  return { browser, page: await browser.get(authorizeUrl(gateway, clientId, { code_challenge: challenge })) }
}

const send = (browser: Browser, page: Page, response: string) =>
  browser.post(`${page.url.replace(/\/sign-in$/, '')}/sign-in`, { csrf: csrfOf(page), method: 'passkey', response })

test('a passkey signs in, and the token and the policy know how', async () => {
  const { account, key, added } = await withPasskey('alice')
  assert.equal(added.status, 200)
  assert.match(added.text, /Laptop/)
  const { verifier, challenge } = pkce()
  const { browser, page } = await signInPage(challenge)
  const consent = await send(browser, page, key.get(passkeyOptions(page, 'get'), gateway.origin))
  assert.match(consent.text, />Allow</)
  const { leadsTo } = await browser.submit(consent, '/consent')
  const told = await redeem(gateway, clientId, leadsTo?.searchParams.get('code') ?? '', verifier)
  const token = String(told.json.access_token)
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
  assert.deepEqual(claims['amr'], ['pop', 'user', 'mfa'])
  assert.equal(claims['acr'], 'phr')
  assert.equal((await callTool(gateway, 'echo', { text: 'x' }, { token })).status, 200)

  const weak = await tokensOf(gateway, clientId, 'alice')
  const earlier = upstream.count()
  const denied = await callTool(gateway, 'echo', { text: 'x' }, { token: weak.access_token })
  assert.match(denied.text, /Unknown tool|Not allowed/)
  assert.equal(upstream.count(), earlier)
  const refreshed = await gateway.tell('/token', {
    ...{ grant_type: 'refresh_token', client_id: clientId, refresh_token: String(told.json.refresh_token) },
  })
  const again = await callTool(gateway, 'echo', { text: 'x' }, { token: String(refreshed.json.access_token) })
  assert.equal(again.status, 200, 'the strength survives a refresh')
  assert.deepEqual(
    of('user.passkey-added').map(({ by }) => by),
    [`user:${account.id}`],
  )
})

const WRONG: readonly (readonly [title: string, wrong: Answering])[] = [
  ['for another site', { rpId: 'evil.example' }],
  ['made on a page of another origin', { origin: 'https://evil.example' }],
  ['made on another port of this host', { origin: 'https://localhost:1' }],
  ['made without TLS', { origin: 'http://localhost' }],
  ['made in a frame of another site', { crossOrigin: true }],
  ['without verification of the person', { userVerified: false }],
  ['without anybody there', { userPresent: false }],
  ['to a challenge of its own', { challenge: 'A'.repeat(75) }],
  ['to no challenge', { challenge: '' }],
  ['of another kind', { type: 'payment.get' }],
]
const WRONG_TO_SIGN_IN: typeof WRONG = [
  ...WRONG,
  ['signed by another key', { forged: true }],
  ['for another account', { userHandle: Buffer.from('somebody else').toString('base64url') }],
  ['without an account', { userHandle: '' }],
]

for (const [title, wrong] of WRONG_TO_SIGN_IN) {
  test(`an answer ${title} does not sign in`, async () => {
    const { key } = await withPasskey(`p${WRONG_TO_SIGN_IN.findIndex(([one]) => one === title)}`)
    const { browser, page } = await signInPage()
    const earlier = of('user.signed-in').length
    const failed = await send(browser, page, key.get(passkeyOptions(page, 'get'), gateway.origin, wrong))
    assert.equal(failed.status, 400)
    assert.match(failed.text, /role="alert"/)
    assert.equal(of('user.signed-in').length, earlier)
    const right = await send(browser, failed, key.get(passkeyOptions(failed, 'get'), gateway.origin))
    assert.match(right.text, />Allow</, 'the page that says so can be used')
  })
}

for (const [title, wrong] of WRONG) {
  test(`a new passkey ${title} is not kept`, async () => {
    const name = `n${WRONG.findIndex(([one]) => one === title)}`
    const { account, added } = await withPasskey(name, { ...wrong, ...(wrong.type && { type: 'webauthn.get' }) })
    assert.equal(added.status, 400)
    assert.deepEqual(await gateway.accounts.passkeysOf(account), [])
  })
}

test('a challenge is good once, for one page, in one browser, for one purpose', async () => {
  const { key } = await withPasskey('bob')
  const first = await signInPage()
  const options = passkeyOptions(first.page, 'get')
  const response = key.get(options, gateway.origin)
  const other = await signInPage()
  assert.equal((await send(other.browser, other.page, response)).status, 400, 'another sign-in of the same client')
  const account = gateway.browser()
  const accountSignIn = await account.get('/auth/account')
  const foreign = await account.submit(accountSignIn, '/sign-in', { method: 'passkey', response })
  assert.equal(foreign.status, 400, 'another page')
  assert.match((await send(first.browser, first.page, response)).text, />Allow</)
  const again = await signInPage()
  assert.equal((await send(again.browser, again.page, response)).status, 400, 'replayed')
  const own = await signInPage()
  const used = key.get(passkeyOptions(own.page, 'get'), gateway.origin)
  const failed = key.get(passkeyOptions(own.page, 'get'), gateway.origin, { forged: true })
  assert.equal((await send(own.browser, own.page, failed)).status, 400)
  assert.equal((await send(own.browser, own.page, used)).status, 400, 'used up by the try before')

  const { browser, page } = await accountPage('bob')
  const make = passkeyOptions(page, 'create')
  const login = await signInPage()
  const swapped = key.get({ ...make, rpId: 'localhost' }, gateway.origin)
  assert.equal((await send(login.browser, login.page, swapped)).status, 400, 'a challenge to make one')
  const second = new Authenticator()
  const answer = second.create({ ...make, challenge: passkeyOptions(login.page, 'get').challenge }, gateway.origin)
  assert.equal((await browser.submit(page, '/passkey/add', { response: answer })).status, 400)
})

test('of many who send one answer at once one is let in', async () => {
  const { key } = await withPasskey('crowd')
  const { browser, page } = await signInPage()
  const response = key.get(passkeyOptions(page, 'get'), gateway.origin)
  const earlier = of('user.signed-in').length
  await Promise.all(Array.from({ length: 10 }, () => send(browser, page, response)))
  assert.equal(of('user.signed-in').length, earlier + 1)
})

for (const [title, counter] of [
  ['stands still', 5],
  ['has gone back', 4],
  ['starts again at 0', 0],
] as const) {
  test(`a counter that ${title} is refused, and that is on record`, async () => {
    const name = `counter-${counter}`
    const { account, key } = await withPasskey(name)
    key.counter = 4
    const first = await signInPage()
    const one = await send(first.browser, first.page, key.get(passkeyOptions(first.page, 'get'), gateway.origin))
    assert.match(one.text, />Allow</)
    const { browser, page } = await signInPage()
    const copied = key.get(passkeyOptions(page, 'get'), gateway.origin, { counter })
    assert.equal((await send(browser, page, copied)).status, 400)
    const record = of('user.passkey-suspected').findLast(({ by }) => by === `user:${account.id}`)
    assert.partialDeepStrictEqual(record?.['detail'], { counter, known: 5 })
    const last = await signInPage()
    key.counter = 9
    const right = await send(last.browser, last.page, key.get(passkeyOptions(last.page, 'get'), gateway.origin))
    assert.match(right.text, />Allow</, 'the real one goes on')
  })
}

test('a disabled account has no use of its passkey', async () => {
  const { account, key } = await withPasskey('leaver')
  await gateway.accounts.disable(account)
  const { browser, page } = await signInPage()
  assert.equal((await send(browser, page, key.get(passkeyOptions(page, 'get'), gateway.origin))).status, 400)
})

test('a passkey belongs to one account, and cannot be added twice', async () => {
  const { key } = await withPasskey('first')
  await gateway.person('second')
  const { browser, page } = await accountPage('second')
  const response = key.create(passkeyOptions(page, 'create'), gateway.origin)
  assert.equal((await browser.submit(page, '/passkey/add', { response })).status, 400)
})

test('an answer is bound to the account that was asked, whatever it says', async () => {
  await gateway.person('mallory')
  await gateway.person('victim')
  const victim = await accountPage('victim')
  const mallory = await accountPage('mallory')
  const response = new Authenticator().create(passkeyOptions(mallory.page, 'create'), gateway.origin)
  assert.equal((await victim.browser.submit(victim.page, '/passkey/add', { response })).status, 400)
  assert.equal((await gateway.accounts.passkeysOf((await gateway.accounts.find('default', 'victim'))!)).length, 0)
})

test('removing a passkey ends what was signed in by it, and the passkey', async () => {
  const { account, key, browser, added } = await withPasskey('loser')
  const tokens = await tokensOf(gateway, clientId, 'loser')
  const removed = await browser.submit(added, '/passkey/remove')
  assert.match(removed.text, /<h1>Sign in<\/h1>/, 'this page has ended too')
  assert.deepEqual(await gateway.accounts.passkeysOf(account), [])
  const refreshed = await gateway.tell('/token', {
    ...{ grant_type: 'refresh_token', client_id: clientId, refresh_token: tokens.refresh_token },
  })
  assert.equal(refreshed.json.error, 'invalid_grant')
  const page = await signInPage()
  const late = await send(page.browser, page.page, key.get(passkeyOptions(page.page, 'get'), gateway.origin))
  assert.equal(late.status, 400)
  assert.equal(of('user.passkey-removed').length, 1)
})

for (const [title, response] of [
  ['nothing', ''],
  ['no JSON', '{'],
  ['a list', '[]'],
  ['null', 'null'],
  ['a number for an id', '{"id":1,"response":{"clientDataJSON":""}}'],
  ['no response', '{"id":"abcdefghijklmnopqrst"}'],
  ['deep nesting', `{"id":${'['.repeat(5000)}`],
  ['far too much', `{"id":"${'a'.repeat(40_000)}"}`],
] as const) {
  test(`${title} in place of an answer is refused`, async () => {
    const { browser, page } = await signInPage()
    assert.equal((await send(browser, page, response)).status, 400)
  })
}

test('the one script comes from one address, and its digest is on the page', async () => {
  const { page } = await signInPage()
  const policy = String(page.headers['content-security-policy'])
  assert.match(policy, /^default-src 'none'; /)
  assert.match(policy, new RegExp(`script-src ${gateway.origin}/auth/passkeys\\.js;`))
  assert.equal(page.text.match(/<script/g)?.length, 1)
  assert.match(page.text, /<script src="[^"]+" integrity="sha256-[^"]+" defer><\/script>/)
  const script = await gateway.browser().get('/auth/passkeys.js')
  assert.match(String(script.headers['content-type']), /^text\/javascript/)
  assert.equal(script.headers['x-content-type-options'], 'nosniff')
})

test('a new passkey cannot make the gateway fetch what a certificate of its maker names', async () => {
  const asked: string[] = []
  const inside = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end()
  })
  await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve))
  try {
    await gateway.person('oscar')
    const { browser, page } = await accountPage('oscar')
    const earlier = of('user.passkey-added').length
    const place = `http://127.0.0.1:${(inside.address() as AddressInfo).port}/metadata`
    const response = await attestedPasskey(passkeyOptions(page, 'create'), gateway.origin, place)
    assert.equal((await browser.submit(page, '/passkey/add', { response, label: 'Laptop' })).status, 400)
    assert.deepEqual(asked, [])
    assert.equal(of('user.passkey-added').length, earlier)
  } finally {
    inside.close()
  }
})
