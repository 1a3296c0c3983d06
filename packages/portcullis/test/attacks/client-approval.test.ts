/** The confused deputy: whoever is signed in at an outside provider must not be sent through it for a client they never looked at. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Browser, type Page } from '../fixtures/browser.ts'
import { csrfOf, type ProviderGateway, startProviderGateway } from '../fixtures/provider-gateway.ts'
import { authorizeUrl, PASSWORD, pkce, redeem } from '../fixtures/sign-in.ts'

const LET_IN = { create: 'on-first-sign-in', admit: 'everybody', everyone: ['user'] }
const HERE = 'https://app.example/callback'
const THERE = 'https://other.example/callback'

let started: ProviderGateway
/** The victim at the provider: signed in there, so that every request comes back at once. */
let abroad: Browser
let honest: string
let evil: string

before(async () => {
  const people = { ada: { email: 'ada@acme.example', email_verified: true } }
  started = await startProviderGateway(
    { acme: { people, config: LET_IN }, second: { people, config: LET_IN } },
    {
      upstreams: [{ name: 'one', url: 'http://127.0.0.1:9/mcp' }],
      server: { scopes: { mcp: 'Use the tools of this server', more: 'Do more than that' } },
    },
  )
  const { gateway, providers } = started
  honest = (await gateway.client({ name: 'Honest', redirects: [HERE, THERE] })).id
  evil = (await gateway.client({ name: 'Evil', redirects: ['https://evil.example/take'] })).id
  abroad = new Browser(providers['acme']?.issuer ?? '', providers['acme']?.caFile)
  const first = await ask(gateway.browser(), honest, HERE)
  assert.ok(isIn(await through(first.browser, await first.browser.submit(first.page, '/approve'), 'ada')))
})
after(async () => {
  await abroad.close()
  await started.close()
})

const isIn = ({ leadsTo }: Page): boolean => leadsTo?.searchParams.has('code') === true
const wayOut = ({ headers }: Page): string | undefined => /^0;url=(.+)$/.exec(String(headers['refresh'] ?? ''))?.[1]
const of = (what: string) => started.gateway.records().filter((record) => record['what'] === what)

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

/** To the page that asks, by way of the button of a provider. */
async function ask(browser: Browser, clientId: string, redirect: string, changes: Record<string, string> = {}) {
  const url = authorizeUrl(started.gateway, clientId, { redirect_uri: redirect, ...changes })
  const signIn = await browser.get(url)
  return { browser, signIn, page: await browser.submit(signIn, '/provider', { provider: 'acme' }) }
}

/** To the provider and back; who is signed in there sees nothing of it. */
async function through(browser: Browser, left: Page, who?: string): Promise<Page> {
  const way = wayOut(left)
  assert.ok(way, left.text.slice(0, 500))
  const asked = await abroad.get(way)
  const back = asked.leadsTo ?? (who === undefined ? undefined : (await abroad.post(asked.url, { who })).leadsTo)
  assert.ok(back, 'the provider asks nothing of somebody whom it knows')
  return browser.get(back.href)
}

/** Nothing leads on, nobody was signed in and nothing was consented to by what `attempt` does. */
async function nothing(attempt: () => Promise<Page>, status: number): Promise<Page> {
  const earlier = [of('user.signed-in').length, of('consent.granted').length]
  const page = await attempt()
  assert.equal(page.status, status, page.text.slice(0, 500))
  assert.equal(wayOut(page), undefined)
  assert.equal(page.leadsTo, undefined)
  assert.deepEqual([of('user.signed-in').length, of('consent.granted').length], earlier)
  return page
}

test('before anybody is sent to a provider they see who asks, where the answer goes and for what', async () => {
  const { page } = await ask(started.gateway.browser(), evil, 'https://evil.example/take', { scope: 'mcp more' })
  assert.equal(wayOut(page), undefined)
  const parts = ['Evil', evil, 'evil.example', started.gateway.url, 'Use the tools', 'Do more than that', '>Deny<']
  for (const part of parts) assert.ok(page.text.includes(part), part)
  assert.match(page.text, /Next you sign in at <strong>The acme people/)
})

test('the page that asks stands in no frame, runs no script and is kept by nobody', async () => {
  const { page } = await ask(started.gateway.browser(), evil, 'https://evil.example/take')
  const policy = String(page.headers['content-security-policy'])
  assert.match(policy, /frame-ancestors 'none'/)
  assert.match(policy, /^default-src 'none'/)
  assert.doesNotMatch(policy, /script-src [^h]/)
  assert.equal(page.headers['x-frame-options'], 'DENY')
  assert.equal(page.headers['cache-control'], 'no-store')
})

test('who approves is sent through, and what they have approved is their consent', async () => {
  const { verifier, challenge } = pkce()
  const changes = { code_challenge: challenge, scope: 'openid mcp' }
  const { browser, page } = await ask(started.gateway.browser(), honest, HERE, changes)
  const earlier = of('consent.granted').length
  const done = await through(browser, await browser.submit(page, '/approve'))
  const code = done.leadsTo?.searchParams.get('code') ?? ''
  const granted = of('consent.granted').slice(earlier)
  assert.equal(granted.length, 1)
  const account = await started.gateway.accounts.find('default', 'ada@acme.example')
  assert.partialDeepStrictEqual(granted[0], {
    by: `user:${account?.id}`,
    detail: { client: honest, destination: 'https://app.example', scopes: ['openid', 'mcp'] },
  })
  const told = await redeem(started.gateway, honest, code, verifier, { redirect_uri: HERE })
  assert.equal(told.status, 200, told.text)
  const { amr, idp } = claimsOf(told.json.access_token)
  assert.deepEqual([amr, idp], [['fed'], started.providers['acme']?.issuer])
  assert.ok(!JSON.stringify(claimsOf(told.json.id_token)).includes('acme'), 'what is kept beside the methods is for us')
})

test('a request of the attacker ends at the page, though the victim is signed in everywhere', async () => {
  const { gateway } = started
  const { browser } = await ask(gateway.browser(), honest, HERE)
  const mine = await ask(browser, honest, HERE)
  assert.ok(isIn(await through(browser, await browser.submit(mine.page, '/approve'))))
  const there = await browser.get(authorizeUrl(gateway, evil, { redirect_uri: 'https://evil.example/take' }))
  assert.equal(there.leadsTo, undefined)
  assert.match(there.text, /Allow <strong>Evil<\/strong>/)
})

test('the address that leads to the provider cannot be called without the form of the page', async () => {
  const { browser, signIn, page } = await ask(started.gateway.browser(), evil, 'https://evil.example/take')
  const base = signIn.url
  for (const step of ['approve', 'provider']) {
    await nothing(() => browser.get(`${base}/${step}`), 405)
    await nothing(() => browser.get(`${base}/${step}?provider=acme&csrf=${csrfOf(signIn)}`), 405)
  }
  const wrong = [
    {},
    { csrf: '' },
    { csrf: 'x'.repeat(43) },
    // The form of the sign-in page is that of this interaction and this browser, and still no approval.
    { csrf: csrfOf(signIn) },
  ] as readonly Record<string, string>[]
  for (const fields of wrong) await nothing(() => browser.post(`${base}/approve`, { provider: 'acme', ...fields }), 403)
  assert.equal(started.gateway.records().findLast(({ kind }) => kind === 'refusal')?.['code'], 'identity.form_refused')
  await nothing(() => browser.post(`${base}/approve`, { provider: 'second', csrf: csrfOf(page) }), 403)
  await nothing(() => browser.post(`${base}/approve`, { csrf: csrfOf(page) }), 403)
  const asked = await browser.post(`${base}/provider`, { provider: 'acme', csrf: csrfOf(signIn) })
  assert.equal(wayOut(asked), undefined, 'the button of the sign-in page leads to the page that asks, and no further')
})

test('an approval of another interaction, another client or another browser is none', async () => {
  const { gateway } = started
  const browser = gateway.browser()
  const target = await ask(browser, evil, 'https://evil.example/take')
  const sameClient = await ask(browser, evil, 'https://evil.example/take')
  const otherClient = await ask(browser, honest, HERE)
  const stranger = await ask(gateway.browser(), evil, 'https://evil.example/take')
  for (const { page } of [sameClient, otherClient, stranger]) {
    const fields = { provider: 'acme', csrf: csrfOf(page) }
    await nothing(() => browser.post(`${target.signIn.url}/approve`, fields), 403)
  }
  assert.ok(wayOut(await browser.submit(target.page, '/approve')), 'its own form still works')
})

test('a form from a foreign page is refused by its origin', async () => {
  const { browser, signIn, page } = await ask(started.gateway.browser(), evil, 'https://evil.example/take')
  const fields = { provider: 'acme', csrf: csrfOf(page) }
  for (const origin of ['https://evil.example', 'null', 'https://sub.localhost'])
    await nothing(() => browser.post(`${signIn.url}/approve`, fields, { origin }), 403)
})

test('an attacker who approves and plants their interaction does not get the code of the victim', async () => {
  const { gateway } = started
  const attacker = await ask(gateway.browser(), evil, 'https://evil.example/take')
  const left = await attacker.browser.submit(attacker.page, '/approve')
  const victim = gateway.browser()
  await victim.get('/auth/account')
  victim.plantedBy(attacker.browser)
  await nothing(() => through(victim, left), 400)
  const used = gateway.browser()
  await ask(used, honest, HERE)
  used.plantedBy(attacker.browser)
  const again = await attacker.browser.submit(attacker.page, '/approve')
  await nothing(() => through(used, again), 400)
})

test('a journey that began elsewhere does not end in an interaction that nobody has approved', async () => {
  const { gateway, leave } = started
  const browser = gateway.browser()
  const own = await leave('acme', await browser.get('/auth/account'), browser)
  const { signIn } = await ask(browser, evil, 'https://evil.example/take')
  const state = own.request.searchParams.get('state') ?? ''
  await nothing(() => browser.get(`${signIn.url}/arrive?state=${state}&code=x&iss=y`), 400)
  await nothing(() => browser.get(`${signIn.url}/arrive?state=${'x'.repeat(43)}&code=x`), 400)
  await nothing(() => browser.get(`${signIn.url}/arrive`), 400)
})

test('what was approved in one browser is asked again in another, and again for each new sign-in', async () => {
  const { gateway } = started
  const { browser, page } = await ask(gateway.browser(), honest, HERE)
  assert.ok(isIn(await through(browser, await browser.submit(page, '/approve'))))
  const other = await ask(gateway.browser(), honest, HERE)
  assert.match(other.page.text, /Allow, and go to/)
  assert.equal(wayOut(other.page), undefined)
  const anew = await ask(browser, honest, HERE, { prompt: 'login' })
  assert.match(anew.page.text, /Allow, and go to/)
  assert.equal(wayOut(anew.page), undefined)
})

test('an approval is for the host that was shown, and for what was asked', async () => {
  const { gateway } = started
  const { browser, page } = await ask(gateway.browser(), honest, HERE)
  const url = (changes: Record<string, string>) =>
    browser.get(authorizeUrl(gateway, honest, { redirect_uri: HERE, ...changes }))
  assert.ok(isIn(await through(browser, await browser.submit(page, '/approve'))))
  assert.ok(isIn(await url({})), 'the same again needs no second look')
  const others: readonly Record<string, string>[] = [
    { redirect_uri: THERE },
    { scope: 'mcp more' },
    { resource: `${gateway.origin}/mcp` },
  ]
  for (const changes of others) {
    const asked = await url(changes)
    assert.equal(asked.leadsTo, undefined, JSON.stringify(changes))
    assert.match(asked.text, />Allow</)
    const silent = await url({ ...changes, prompt: 'none' })
    assert.equal(silent.leadsTo?.searchParams.get('code'), null)
    assert.equal(silent.leadsTo?.searchParams.get('error'), 'consent_required')
  }
  const elsewhere = await browser.submit(await url({ redirect_uri: THERE }), '/consent')
  assert.equal(elsewhere.leadsTo?.host, 'other.example')
  assert.ok(isIn(elsewhere))
})

test('a client that wants nobody to be asked is told that somebody has to be', async () => {
  const { gateway } = started
  const stranger = await gateway.browser().get(authorizeUrl(gateway, honest, { redirect_uri: HERE, prompt: 'none' }))
  assert.equal(stranger.leadsTo?.searchParams.get('error'), 'login_required')
  const { browser, page } = await ask(gateway.browser(), honest, HERE)
  assert.ok(isIn(await through(browser, await browser.submit(page, '/approve'))))
  const take = { redirect_uri: 'https://evil.example/take', prompt: 'none' }
  const { leadsTo } = await browser.get(authorizeUrl(gateway, evil, take))
  assert.equal(leadsTo?.searchParams.get('error'), 'consent_required')
  assert.equal(leadsTo?.searchParams.get('code'), null)
})

test('who says no is sent back without a code, and without a visit to the provider', async () => {
  const { browser, page } = await ask(started.gateway.browser(), evil, 'https://evil.example/take')
  const earlier = started.providers['acme']?.asked.length
  const { leadsTo } = await browser.submit(page, '/deny')
  assert.equal(leadsTo?.searchParams.get('error'), 'access_denied')
  assert.equal(leadsTo?.searchParams.get('code'), null)
  assert.equal(started.providers['acme']?.asked.length, earlier)
})

test('whoever comes back from another tenant gets nothing, and has consented to nothing', async () => {
  const { gateway } = started
  const foreign = (await gateway.client({ tenant: 'rival', redirects: [HERE] })).id
  const { browser, page } = await ask(gateway.browser(), foreign, HERE)
  const earlier = of('consent.granted').length
  const { leadsTo } = await through(browser, await browser.submit(page, '/approve'))
  assert.equal(leadsTo?.searchParams.get('error'), 'access_denied')
  assert.equal(leadsTo?.searchParams.get('code'), null)
  assert.equal(of('consent.granted').length, earlier)
})

test('a device is approved before the provider too, and the password needs its consent as ever', async () => {
  const { gateway } = started
  const { id } = await gateway.client({ device: true, redirects: [], name: 'Television' })
  const told = (await gateway.tell('/device/authorize', { client_id: id })).json as Record<string, string>
  const browser = gateway.browser()
  const typed = await browser.submit(await browser.get('/auth/device'), '/auth/device', {
    user_code: told['user_code'] ?? '',
  })
  const signIn = await browser.submit(typed, '/auth/device')
  const page = await browser.submit(signIn, '/provider', { provider: 'acme' })
  assert.match(page.text, /Television[\s\S]+the device that you have confirmed/)
  assert.match((await through(browser, await browser.submit(page, '/approve'))).text, /Your device is connected/)

  await gateway.person('local')
  const own = gateway.browser()
  const first = await own.get(authorizeUrl(gateway, honest, { redirect_uri: HERE }))
  const consent = await own.submit(first, '/sign-in', { name: 'local', password: PASSWORD })
  assert.match(consent.text, /You are signed in as <strong>local/)
  assert.equal(consent.leadsTo, undefined)
})
