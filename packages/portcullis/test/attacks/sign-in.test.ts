/** Attacks on the pages where people sign in and consent: each is refused, without effect. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { send } from '../fixtures/client.ts'
import { authorizeUrl, PASSWORD, REDIRECT, type SignInGateway, startSignIn } from '../fixtures/sign-in.ts'

let upstream: CountingUpstream
let gateway: SignInGateway
let clientId: string

before(async () => {
  upstream = await startCounting()
  gateway = await startSignIn({ upstreams: [{ name: 'one', url: upstream.url }] })
  await gateway.person('alice')
  clientId = (await gateway.client()).id
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

const signInPage = async () => {
  const browser = gateway.browser()
  return { browser, page: await browser.get(authorizeUrl(gateway, clientId)) }
}
const consentPage = async () => {
  const { browser, page } = await signInPage()
  return { browser, page: await browser.submit(page, '/sign-in', { name: 'alice', password: PASSWORD }) }
}
const kinds = (what: string) => gateway.records().filter((record) => record['what'] === what).length
/** Without what is different on each page anyway. */
const plain = (text: string) =>
  text.replaceAll(/interaction\/[\w-]+|name="csrf" value="[\w-]+"|value="[^"]*" ?aria/g, '')

test('each page forbids scripts, frames and foreign forms', async () => {
  const { page: consent } = await consentPage()
  const { page: signIn } = await signInPage()
  const device = await gateway.browser().get('/auth/device')
  const failed = await gateway.browser().get('/auth/authorize')
  for (const page of [signIn, consent, device, failed]) {
    const policy = String(page.headers['content-security-policy'])
    assert.match(policy, /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.equal(page.headers['x-frame-options'], 'DENY')
    assert.equal(page.headers['x-content-type-options'], 'nosniff')
    assert.equal(page.headers['cache-control'], 'no-store')
    assert.doesNotMatch(page.text, /<script| on\w+=|javascript:/i)
    assert.match(page.text, /<html lang="en">/)
  }
})

test('cookies are bound to the host and out of reach of scripts', async () => {
  const { browser, page } = await signInPage()
  const reply = await browser.submit(page, '/sign-in', { name: 'alice', password: PASSWORD })
  assert.equal(reply.status, 200)
  const first = await send(gateway, undefined, { method: 'GET', url: authorizeUrl(gateway, clientId), token: null })
  const cookies = [first.headers['set-cookie'] ?? []].flat()
  assert.ok(cookies.length > 0)
  for (const cookie of cookies) {
    assert.match(cookie, /^__(?:Host|Secure)-portcullis_/)
    assert.match(cookie, /; secure/i)
    assert.match(cookie, /; httponly/i)
    assert.match(cookie, /; samesite=lax/i)
  }
  assert.ok(browser.cookies.some((name) => name.startsWith('__Host-portcullis_session')))
})

for (const [title, csrf] of [
  ['no form token', ''],
  ['a made-up form token', 'x'.repeat(43)],
  ['the form token of another sign-in', 'other'],
] as const) {
  test(`a consent with ${title} is no consent`, async () => {
    const { browser, page } = await consentPage()
    const other = (await consentPage()).page.text.match(/name="csrf" value="([^"]+)"/)?.[1] ?? ''
    const earlier = kinds('consent.granted')
    const reply = await browser.submit(page, '/consent', { csrf: csrf === 'other' ? other : csrf })
    assert.equal(reply.status, 403)
    assert.equal(reply.leadsTo, undefined)
    assert.equal(kinds('consent.granted'), earlier)
    const refusal = gateway.records().findLast(({ kind }) => kind === 'refusal')
    assert.equal(refusal?.['code'], 'identity.form_refused')
    assert.equal(
      (await browser.submit(page, '/consent')).leadsTo?.searchParams.has('code'),
      true,
      'the page itself still works',
    )
  })
}

test('a form from a foreign page is refused by its origin', async () => {
  const { browser, page } = await consentPage()
  const earlier = kinds('consent.granted')
  const action = /action="([^"]+\/consent)"/.exec(page.text)?.[1] ?? ''
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  for (const origin of ['https://evil.example', 'null', gateway.origin.replace('https', 'http')])
    assert.equal((await browser.post(action, { csrf }, { origin })).status, 403)
  assert.equal(kinds('consent.granted'), earlier)
})

test('an address alone opens nothing: the cookie says whose it is', async () => {
  const { page } = await consentPage()
  const stranger = gateway.browser()
  const shown = await stranger.get(page.url)
  assert.equal(shown.status, 400)
  assert.ok(!shown.text.includes('<form'))
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  const earlier = kinds('consent.granted')
  assert.equal((await stranger.post(`${page.url}/consent`, { csrf })).leadsTo, undefined)
  assert.equal(kinds('consent.granted'), earlier)
})

test('a consent cannot come before the sign-in', async () => {
  const { browser, page } = await signInPage()
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  const reply = await browser.post(`${page.url}/consent`, { csrf })
  assert.equal(reply.status, 403)
  assert.equal(reply.leadsTo, undefined)
})

test('denying sends the person back without a code', async () => {
  const { browser, page } = await consentPage()
  const { leadsTo } = await browser.submit(page, '/deny')
  assert.equal(leadsTo?.searchParams.get('error'), 'access_denied')
  assert.equal(leadsTo?.searchParams.get('iss'), gateway.issuer)
  assert.equal(leadsTo?.searchParams.get('code'), null)
})

test('every way to fail gives the same page and the same status', async () => {
  await gateway.accounts.add({ tenant: 'default', name: 'invited', roles: ['user'] })
  const gone = await gateway.person('gone')
  await gateway.accounts.disable(gone)
  const secured = await gateway.person('secured')
  await gateway.accounts.enrolTotp(secured, 'test')
  const failures: string[] = []
  for (const [name, password, code] of [
    ['alice', 'wrong password here', ''],
    ['nobody', PASSWORD, ''],
    ['gone', PASSWORD, ''],
    ['invited', '', ''],
    ['secured', PASSWORD, ''],
    ['secured', PASSWORD, '000000'],
    ['', '', ''],
    ['ali\u0000ce', PASSWORD, ''],
    ["' or 1=1 --", PASSWORD, ''],
    ['alice', 'x'.repeat(5000), ''],
  ] as const) {
    const { browser, page } = await signInPage()
    const failed = await browser.submit(page, '/sign-in', { name, password, code })
    assert.equal(failed.status, 400, name)
    failures.push(plain(failed.text).replaceAll(name === '' ? '\u0001' : name.replaceAll("'", '&#39;'), ''))
  }
  assert.equal(new Set(failures.map((text) => text.replaceAll(/value="[^"]*"/g, ''))).size, 1)
  const recorded = gateway.records().filter(({ code }) => code === 'identity.sign_in_failed')
  assert.equal(recorded.length, failures.length)
})

test('after some failures the right password has to wait, and simultaneous guesses count as one', async () => {
  await gateway.person('target')
  const attempt = async (password: string) => {
    const { browser, page } = await signInPage()
    return browser.submit(page, '/sign-in', { name: 'target', password })
  }
  for (let failure = 0; failure < 5; failure++) await attempt('wrong password here')
  assert.equal((await attempt(PASSWORD)).status, 400)
  assert.ok(Number((await gateway.accounts.find('default', 'target'))?.lockedUntil) > Date.now() - 1_000)
})

test('a name of a client is text, whatever is in it', async () => {
  const name = '<img src=x onerror=alert(1)>"\'&\u202ecod.evil'
  const { id } = await gateway.client({ name })
  const browser = gateway.browser()
  const page = await browser.get(authorizeUrl(gateway, id))
  const consent = await browser.submit(page, '/sign-in', { name: 'alice', password: PASSWORD })
  for (const { text } of [page, consent]) {
    assert.ok(!text.includes('<img'))
    assert.ok(text.includes('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;\ufffdcod.evil'))
  }
})

test('the consent page says who asks, for what, and where the answer goes', async () => {
  const { id } = await gateway.client({ name: 'Trip planner', redirects: ['https://trips.example/back'] })
  const browser = gateway.browser()
  const page = await browser.get(authorizeUrl(gateway, id, { redirect_uri: 'https://trips.example/back' }))
  const { text } = await browser.submit(page, '/sign-in', { name: 'alice', password: PASSWORD })
  for (const part of ['Trip planner', 'trips.example', gateway.url, 'Use the tools of this server', 'alice', '>Deny<'])
    assert.ok(text.includes(part), part)
})

test('an invitation works once, for its own account, and only with a good password', async () => {
  const account = await gateway.accounts.add({ tenant: 'default', name: 'newcomer', roles: ['user'] })
  assert.ok(account)
  const link = `/auth${await gateway.accounts.invite(account)}`
  const browser = gateway.browser()
  const page = await browser.get(link)
  assert.match(page.text, /Welcome, newcomer/)
  const action = /action="([^"]+)"/.exec(page.text)?.[1] ?? ''
  const ticket = action.slice(action.lastIndexOf('ticket='))
  const short = await browser.submit(page, ticket, { password: 'short', again: 'short' })
  assert.equal(short.status, 400)
  const differing = await browser.submit(page, ticket, { password: PASSWORD, again: `${PASSWORD}.` })
  assert.equal(differing.status, 400)
  assert.equal((await browser.post(action, { csrf: 'x', password: PASSWORD, again: PASSWORD })).status, 403)
  assert.equal((await gateway.accounts.find('default', 'newcomer'))?.password, undefined)
  assert.equal((await browser.submit(page, ticket, { password: PASSWORD, again: PASSWORD })).status, 200)
  assert.equal((await browser.submit(page, ticket, { password: PASSWORD, again: PASSWORD })).status, 400)
  assert.equal((await browser.get(link)).status, 400)
  assert.ok(!JSON.stringify(gateway.records()).includes(ticket.slice(7)), 'the ticket is not on record')
})

test('what is not a small form is refused before anything is read from it', async () => {
  const { page } = await signInPage()
  const big = await send(gateway, `a=${'x'.repeat(100_000)}`, {
    url: `${gateway.issuer}/token`,
    token: null,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  assert.equal(big.status, 413)
  assert.equal((await send(gateway, {}, { url: `${page.url}/sign-in`, token: null })).status, 400)
})

test('signing out ends the tokens of this browser', async () => {
  const { browser, page } = await consentPage()
  const { leadsTo } = await browser.submit(page, '/consent')
  assert.ok(leadsTo?.href.startsWith(REDIRECT))
  const asked = await browser.get('/auth/sign-out')
  assert.equal(asked.status, 200)
  const ended = kinds('grant.ended')
  const done = await browser.submit(asked, '/confirm', { logout: 'yes' })
  assert.equal(done.status, 200)
  assert.match(done.text, /You are signed out/)
  assert.equal(kinds('grant.ended'), ended + 1)
})
