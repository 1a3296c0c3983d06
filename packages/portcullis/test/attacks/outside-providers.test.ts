/** People who sign in at another OpenID provider: the right way in, and every way to pass for somebody else. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { jwk } from '../fixtures/openid-provider.ts'
import { csrfOf, type ProviderGateway, startProviderGateway } from '../fixtures/provider-gateway.ts'
import { authorizeUrl, PASSWORD, pkce, redeem, refresh } from '../fixtures/sign-in.ts'
import type { Page } from '../fixtures/browser.ts'

const PEOPLE = {
  ada: { email: 'ada@acme.example', email_verified: true, groups: ['staff', 'boss'], amr: ['mfa', 'otp'], acr: 'gold' },
  bob: { email: 'bob@acme.example', email_verified: true, groups: ['staff'] },
  unverified: { email: 'boss@acme.example', email_verified: false, groups: ['staff'] },
  almost: { email: 'almost@acme.example', email_verified: 'true', groups: ['staff'] },
  stranger: { email: 'me@other.example', email_verified: true, groups: ['staff'] },
  suffix: { email: 'me@evil-acme.example', email_verified: true, groups: ['staff'] },
  'two-ats': { email: 'me@acme.example@other.example', email_verified: true, groups: ['staff'] },
  groupless: { email: 'groupless@acme.example', email_verified: true, groups: ['visitors'] },
  nameless: { groups: ['staff'] },
}
const EVIL = {
  ada: { email: 'ada@acme.example', email_verified: true },
  mallory: { email: 'mallory@evil.example', email_verified: true },
  alice: { email: 'alice', email_verified: true },
}
const KEY = jwk('gateway')
const { d: _d, ...PUBLIC_KEY } = KEY

let upstream: CountingUpstream
let started: ProviderGateway

before(async () => {
  upstream = await startCounting()
  started = await startProviderGateway(
    {
      acme: {
        people: PEOPLE,
        config: {
          scopes: ['openid', 'email', 'groups'],
          create: 'on-first-sign-in',
          admit: { emailDomains: ['acme.example'], groups: { claim: 'groups', values: ['staff'] } },
          roles: { claim: 'groups', map: { staff: ['user'], boss: ['admin'] } },
          strength: 'believed',
        },
      },
      evil: {
        people: EVIL,
        clientKey: PUBLIC_KEY,
        config: {
          clientKey: { env: 'PROVIDER_KEY' },
          create: 'on-first-sign-in',
          admit: 'everybody',
          everyone: ['user'],
        },
      },
      linked: { people: { carol: {}, dave: {} } },
    },
    { upstreams: [{ name: 'one', url: upstream.url }], environment: { PROVIDER_KEY: JSON.stringify(KEY) } },
  )
})
after(async () => {
  await started.close()
  await upstream.close()
})

const of = (what: string) => started.gateway.records().filter((record) => record['what'] === what)
const lastRefusal = () => started.gateway.records().findLast(({ kind }) => kind === 'refusal')
const signIns = () => of('user.signed-in').length

/** Expects that nobody is signed in by what `attempt` does, and gives the page that tells so. */
async function nobody(attempt: () => Promise<Page>, reason?: RegExp): Promise<Page> {
  const earlier = signIns()
  const page = await attempt()
  assert.ok(page.status === 400 || page.status === 503, `${page.status} ${page.text.slice(0, 500)}`)
  assert.equal(page.leadsTo, undefined)
  assert.doesNotMatch(page.text, />Allow</)
  assert.equal(signIns(), earlier)
  if (reason !== undefined) assert.match(JSON.stringify(lastRefusal()?.['detail']), reason)
  return page
}

async function tokensBy({ leadsTo }: Page, verifier: string) {
  return (await redeem(started.gateway, started.clientId, leadsTo?.searchParams.get('code') ?? '', verifier)).json
}

/** The person has approved before they left, so whoever is signed in is sent on with a code. */
const isIn = ({ leadsTo }: Page): boolean => leadsTo?.searchParams.has('code') === true

async function tokensVia(provider: string, who: string) {
  const { gateway, clientId, leave } = started
  const { verifier, challenge } = pkce()
  const browser = gateway.browser()
  const page = await browser.get(authorizeUrl(gateway, clientId, { code_challenge: challenge }))
  const { proceed } = await leave(provider, page, browser)
  return tokensBy(await browser.get((await proceed(who)).href), verifier)
}

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

test('somebody whom the provider vouches for gets an account, roles by groups, and a token that works', async () => {
  const tokens = await tokensVia('acme', 'ada')
  const claims = claimsOf(tokens.access_token)
  assert.deepEqual(claims['roles'], ['user', 'admin'])
  assert.deepEqual(claims['amr'], ['fed', 'mfa', 'otp'])
  assert.equal(claims['acr'], 'gold')
  const { gateway } = started
  assert.equal((await callTool(gateway, 'echo', { text: 'x' }, { token: tokens.access_token })).status, 200)
  const account = await gateway.accounts.find('default', 'ada@acme.example')
  assert.equal(account?.password, undefined)
  assert.equal(claims['sub'], account?.id)
  assert.deepEqual(
    of('user.created').map(({ by }) => by),
    [`user:${account?.id}`],
  )
  await tokensVia('acme', 'ada')
  assert.equal(of('user.created').length, 1, 'the second time it is the same account')
})

test('the request that leaves is code with PKCE, a nonce and an exact redirect, bound to the browser', async () => {
  const { leave, gateway, providers } = started
  const { request } = await leave('acme')
  const params = Object.fromEntries(request.searchParams)
  assert.partialDeepStrictEqual(params, {
    response_type: 'code',
    code_challenge_method: 'S256',
    redirect_uri: `${gateway.origin}/auth/callback/acme`,
    scope: 'openid email groups',
    client_id: 'portcullis',
  })
  for (const name of ['state', 'nonce', 'code_challenge']) assert.match(String(params[name]), /^[\w-]{43}$/)
  assert.equal(request.origin, providers['acme']?.issuer)
  assert.equal(params['prompt'], undefined)
})

test('each application needs a consent of its own, however well one is signed in elsewhere', async () => {
  const { gateway, signIn } = started
  const { browser, page } = await signIn('acme', 'ada')
  assert.ok(isIn(page))
  const { id } = await gateway.client({ name: 'Another application' })
  const second = await browser.get(authorizeUrl(gateway, id))
  assert.match(second.text, /Allow <strong>Another application<\/strong>/)
  assert.equal(second.leadsTo, undefined)
})

test('a client that wants a new sign-in gets one at the provider too', async () => {
  const { gateway, clientId, leave } = started
  const browser = gateway.browser()
  const { request } = await leave(
    'acme',
    await browser.get(authorizeUrl(gateway, clientId, { prompt: 'login' })),
    browser,
  )
  assert.equal(request.searchParams.get('prompt'), 'login')
  assert.equal(request.searchParams.get('max_age'), '600')
})

test('an answer that belongs to the sign-in of somebody else signs in neither of them', async () => {
  const { leave } = started
  const ada = await leave('acme')
  const bob = await leave('acme')
  const adasWay = await ada.proceed('ada')
  const bobsWay = await bob.proceed('bob')
  await nobody(() => bob.browser.get(adasWay.href))
  const swapped = new URL(adasWay)
  swapped.searchParams.set('state', bobsWay.searchParams.get('state') ?? '')
  await nobody(() => bob.browser.get(swapped.href), /invalid_grant/)
  await nobody(() => started.gateway.browser().get(adasWay.href))
  assert.ok(isIn(await ada.browser.get(adasWay.href)), 'whose it is goes on undisturbed')
})

test('a link that an attacker has prepared does not sign in the victim as the attacker', async () => {
  const { leave, gateway, clientId } = started
  const attacker = await leave('acme')
  const way = await attacker.proceed('bob')
  const victim = gateway.browser()
  const page = await victim.get(authorizeUrl(gateway, clientId))
  await nobody(() => victim.get(way.href))
  const uid = /interaction\/([\w-]+)\//.exec(page.text)?.[1] ?? ''
  await nobody(() => victim.get(`/auth/interaction/${uid}/arrive?${way.searchParams}`), /state/)
})

test('a code is good once, and so is a state', async () => {
  const { leave } = started
  const { browser, proceed } = await leave('acme')
  const way = await proceed('ada')
  assert.ok(isIn(await browser.get(way.href)))
  await nobody(() => browser.get(way.href))
  const again = await leave('acme')
  const stolen = new URL(await again.proceed('ada'))
  stolen.searchParams.set('code', way.searchParams.get('code') ?? '')
  await nobody(() => again.browser.get(stolen.href), /invalid_grant/)
})

test('of many who come back at once with one state one is let in', async () => {
  const { leave } = started
  const { browser, proceed } = await leave('acme')
  const way = await proceed('ada')
  const earlier = signIns()
  await Promise.all(Array.from({ length: 8 }, () => browser.get(way.href).catch(() => {})))
  assert.equal(signIns(), earlier + 1)
})

type Claims = Record<string, unknown>

const SPOILT: readonly (readonly [title: string, spoil: (claims: Claims) => Claims, reason: RegExp])[] = [
  ['another nonce', (claims) => ({ ...claims, nonce: 'another' }), /CLAIM_COMPARISON/],
  ['no nonce', ({ nonce: _nonce, ...claims }) => claims, /INVALID_RESPONSE/],
  ['another issuer', (claims) => ({ ...claims, iss: 'https://other.example' }), /CLAIM_COMPARISON/],
  ['another audience', (claims) => ({ ...claims, aud: 'somebody else' }), /CLAIM_COMPARISON/],
  ['another party', (claims) => ({ ...claims, aud: ['portcullis', 'x'], azp: 'x' }), /CLAIM_COMPARISON/],
  ['a time that is over', (claims) => ({ ...claims, exp: 1_000_000_000 }), /TIMESTAMP/],
  ['no subject', ({ sub: _sub, ...claims }) => claims, /INVALID_RESPONSE/],
  ['another subject than the userinfo endpoint', (claims) => ({ ...claims, sub: 'bob' }), /ATTRIBUTE_COMPARISON/],
]

for (const [title, spoil, reason] of SPOILT) {
  test(`an ID token with ${title} signs in nobody`, async () => {
    const provider = started.providers['acme']!
    provider.spoil = spoil
    try {
      const page = await nobody(async () => (await started.signIn('acme', 'ada')).page, reason)
      assert.match(page.text, /that does not let you in here/)
    } finally {
      provider.spoil = undefined
    }
  })
}

test('an ID token that the provider has not signed signs in nobody, though TLS vouches for its sender', async () => {
  const provider = started.providers['acme']!
  provider.spoil = (claims) => claims
  try {
    assert.ok(isIn((await started.signIn('acme', 'ada')).page), 'signed anew by the provider it is good')
    provider.forges = true
    await nobody(async () => (await started.signIn('acme', 'ada')).page)
  } finally {
    provider.spoil = undefined
    provider.forges = false
  }
})

for (const [title, change] of [
  ['names another issuer', (params: URLSearchParams) => params.set('iss', 'https://evil.example')],
  ['names no issuer, though the provider does', (params: URLSearchParams) => params.delete('iss')],
  ['has two codes', (params: URLSearchParams) => params.append('code', 'x')],
  ['has two states', (params: URLSearchParams) => params.append('state', 'x')],
  ['has no code', (params: URLSearchParams) => params.delete('code')],
  ['is an error', (params: URLSearchParams) => params.set('error', 'server_error')],
] as const) {
  test(`an answer that ${title} signs in nobody`, async () => {
    const { leave } = started
    const { browser, proceed } = await leave('acme')
    const way = await proceed('ada')
    change(way.searchParams)
    await nobody(() => browser.get(way.href))
  })
}

test('an answer of one provider at the address of another is a mix-up', async () => {
  const { leave } = started
  const { browser, proceed } = await leave('acme')
  const way = await proceed('ada')
  way.pathname = '/auth/callback/evil'
  await nobody(() => browser.get(way.href), /redirect URI of another provider/)
  const evil = await leave('evil')
  const theirs = await evil.proceed('mallory')
  // The code of the honest provider, brought by a journey that went to the evil one: it must never be sent there.
  const honest = await (await leave('acme')).proceed('ada')
  theirs.searchParams.set('code', honest.searchParams.get('code') ?? '')
  theirs.searchParams.set('iss', honest.searchParams.get('iss') ?? '')
  await nobody(() => evil.browser.get(theirs.href))
})

test('saying no there is no sign-in here', async () => {
  const page = await nobody(async () => (await started.signIn('acme', 'nobody')).page, /access_denied/)
  assert.match(page.text, /name="password"/, 'the other ways to sign in are still there')
})

for (const who of ['unverified', 'almost', 'stranger', 'suffix', 'two-ats', 'groupless', 'nameless']) {
  test(`${who} is not admitted, and no account is made`, async () => {
    const earlier = of('user.created').length
    await nobody(async () => (await started.signIn('acme', who)).page)
    assert.equal(of('user.created').length, earlier)
  })
}

test('the same address at another provider is another person, and takes over nothing', async () => {
  await started.signIn('acme', 'ada')
  const { gateway, signIn } = started
  const untouched = await gateway.accounts.find('default', 'ada@acme.example')
  await nobody(async () => (await signIn('evil', 'ada')).page, /the name is taken/)
  assert.deepEqual(await gateway.accounts.find('default', 'ada@acme.example'), untouched)
  await gateway.person('alice')
  await nobody(async () => (await signIn('evil', 'alice')).page)
  assert.deepEqual(await gateway.accounts.linksOf((await gateway.accounts.find('default', 'alice'))!), [])
})

test('a provider that proves nothing about strength gives none, and knows us by our key', async () => {
  const claims = claimsOf((await tokensVia('evil', 'mallory')).access_token)
  assert.deepEqual(claims['amr'], ['fed'])
  assert.equal(claims['acr'], undefined)
  assert.deepEqual(claims['roles'], ['user'])
})

test('without accounts on first sign-in only a linked account gets in, with its own roles', async () => {
  const { gateway, signIn, providers } = started
  await nobody(async () => (await signIn('linked', 'carol')).page, /no account is linked/)
  const account = await gateway.person('carol', ['admin'])
  const issuer = providers['linked']?.issuer ?? ''
  assert.equal(await gateway.accounts.link(account, issuer, 'carol'), true)
  assert.equal(await gateway.accounts.link(await gateway.person('other'), issuer, 'carol'), false)
  const tokens = await tokensVia('linked', 'carol')
  assert.equal(claimsOf(tokens.access_token)['sub'], account.id)
  assert.deepEqual(claimsOf(tokens.access_token)['roles'], ['admin'])
  await nobody(async () => (await signIn('linked', 'dave')).page)
  assert.equal(await gateway.accounts.unlink(account, issuer, 'carol'), true)
  await nobody(async () => (await signIn('linked', 'carol')).page)
  assert.equal((await refresh(gateway, started.clientId, tokens.refresh_token)).json.error, 'invalid_grant')
})

test('an account that is disabled here loses its tokens at once, whatever the provider says', async () => {
  const { gateway, clientId, signIn } = started
  const tokens = await tokensVia('acme', 'bob')
  const echo = () => callTool(gateway, 'echo', { text: 'x' }, { token: tokens.access_token })
  assert.notEqual((await echo()).status, 401)
  await gateway.accounts.disable((await gateway.accounts.find('default', 'bob@acme.example'))!)
  while ((await echo()).status !== 401) await sleep(50)
  assert.equal((await refresh(gateway, clientId, tokens.refresh_token)).json.error, 'invalid_grant')
  await nobody(async () => (await signIn('acme', 'bob')).page, /disabled/)
})

test('a role that the provider takes away is gone with the next sign-in, and with it what it had given', async () => {
  const { gateway, clientId, providers } = started
  const acme = providers['acme']!
  const tokens = await tokensVia('acme', 'ada')
  acme.people = { ...PEOPLE, ada: { ...PEOPLE.ada, groups: ['staff'] } }
  try {
    assert.deepEqual(claimsOf((await tokensVia('acme', 'ada')).access_token)['roles'], ['user'])
    assert.equal((await refresh(gateway, clientId, tokens.refresh_token)).json.error, 'invalid_grant')
    assert.equal(of('user.roles-changed').length, 1)
  } finally {
    acme.people = PEOPLE
  }
})

test('a provider that does not answer gets a clear page, and nobody is signed in', async () => {
  const { gateway, clientId, leave, providers } = started
  const acme = providers['acme']!
  const { browser, proceed } = await leave('acme')
  const way = await proceed('ada')
  acme.fails = '/token'
  try {
    const page = await nobody(() => browser.get(way.href))
    assert.equal(page.status, 503)
    assert.match(page.text, /The acme people cannot be reached at the moment, so nobody was signed in/)
    assert.match(page.text, /name="password"/)
  } finally {
    acme.fails = undefined
  }
  const fresh = await startProviderGateway(
    { down: { people: {} } },
    { upstreams: [{ name: 'one', url: upstream.url }] },
  )
  try {
    await fresh.providers['down']?.close()
    const own = fresh.gateway.browser()
    const signIn = await own.get(authorizeUrl(fresh.gateway, fresh.clientId))
    const action = /action="([^"]+\/provider)"/.exec(signIn.text)?.[1] ?? ''
    const asked = await own.post(action, { csrf: csrfOf(signIn), provider: 'down' })
    const page = await own.submit(asked, '/approve')
    assert.equal(page.status, 503)
    assert.match(page.text, /The down people cannot be reached/)
    await fresh.gateway.person('local')
    const signedIn = await own.submit(page, '/sign-in', { name: 'local', password: PASSWORD })
    assert.match(signedIn.text, />Allow</, 'the password works all the same')
  } finally {
    await fresh.gateway.close()
  }
  assert.ok(gateway && clientId)
})

test('leaving needs the form of this page, and a provider that there is', async () => {
  const { gateway, clientId } = started
  const browser = gateway.browser()
  const page = await browser.get(authorizeUrl(gateway, clientId))
  const action = /action="([^"]+\/provider)"/.exec(page.text)?.[1] ?? ''
  for (const fields of [
    { provider: 'acme' },
    { csrf: 'x'.repeat(43), provider: 'acme' },
    { csrf: csrfOf(page), provider: 'none' },
    { csrf: csrfOf(page) },
  ] as readonly Record<string, string>[]) {
    const reply = await browser.post(action, fields)
    assert.equal(reply.status, 403)
    assert.equal(reply.headers['refresh'], undefined)
  }
})

test('an account that belongs to a provider gets no passkey here: it would stay when the provider lets the person go', async () => {
  const { gateway, leave } = started
  const browser = gateway.browser()
  const { request, proceed } = await leave('acme', await browser.get('/auth/account'), browser)
  assert.equal(request.searchParams.get('prompt'), 'login', 'the page of the account wants a new sign-in')
  const page = await browser.get((await proceed('ada')).href)
  assert.match(page.text, /<h1>Your account<\/h1>/)
  assert.match(page.text, /With The acme people/)
  assert.doesNotMatch(page.text, /data-passkey/)
  const refused = await browser.post('/auth/account/passkey/add', { csrf: csrfOf(page), response: '{}' })
  assert.equal(refused.status, 403)
  assert.equal(
    (await gateway.accounts.passkeysOf((await gateway.accounts.find('default', 'ada@acme.example'))!)).length,
    0,
  )
})

test('no secret of a journey is in the records, the log or the store', async () => {
  const { gateway, leave } = started
  const { browser, request, proceed } = await leave('acme')
  const way = await proceed('ada')
  await browser.get(way.href)
  const everything = JSON.stringify(gateway.records()) + gateway.logged.join('')
  const { readFileSync } = await import('node:fs')
  const store = ['', '-wal'].map((end) => readFileSync(`${gateway.stateFolder}/store.sqlite${end}`, 'latin1')).join('')
  for (const secret of [
    way.searchParams.get('code'),
    way.searchParams.get('state'),
    request.searchParams.get('nonce'),
    'a secret of the gateway',
  ]) {
    assert.ok(secret)
    assert.ok(!everything.includes(secret) && !store.includes(secret))
  }
})
