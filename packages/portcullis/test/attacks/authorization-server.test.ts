/** What RFC 9700 warns of, against the embedded authorization server: each is refused, and nothing comes of it. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Agent, request } from 'undici'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import {
  authorizeUrl,
  pkce,
  REDIRECT,
  redeem,
  refresh,
  type SignInGateway,
  signInAndAllow,
  startSignIn,
  tokensOf,
} from '../fixtures/sign-in.ts'

let upstream: CountingUpstream
let gateway: SignInGateway
let clientId: string

before(async () => {
  upstream = await startCounting()
  gateway = await startSignIn({ upstreams: ['one', 'two'].map((name) => ({ name, url: upstream.url })) })
  await gateway.person('alice')
  clientId = (await gateway.client({ redirects: [REDIRECT, 'https://app.example/callback'] })).id
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

const echo = (token: string) => callTool(gateway, 'echo', { text: 'x' }, { token })
const refusals = () => gateway.records().filter(({ kind }) => kind === 'refusal').length

/** A code, its verifier, and the answer that brought it. */
async function codeFor(changes: Record<string, string> = {}) {
  const { verifier, challenge } = pkce()
  const browser = gateway.browser()
  const page = await browser.get(authorizeUrl(gateway, clientId, { code_challenge: challenge, ...changes }))
  const { leadsTo } = await signInAndAllow(browser, page, 'alice')
  return {
    verifier,
    answer: leadsTo?.searchParams ?? new URLSearchParams(),
    code: leadsTo?.searchParams.get('code') ?? '',
  }
}

const REDIRECTS = [
  'https://app.example/callbacK',
  'https://app.example/callback/',
  'https://app.example/callback?x=1',
  'https://app.example/callback#x',
  'https://app.example:443/callback',
  'https://app.example:8443/callback',
  'https://app.example./callback',
  'https://app.example@evil.example/callback',
  'https://evil.example/callback',
  'https://sub.app.example/callback',
  'http://app.example/callback',
  'https://app.example/x/../callback',
  'https://app.example/%63allback',
  'HTTPS://app.example/callback',
  ' https://app.example/callback',
  'http://127.0.0.1:7777/callback2',
  'http://127.0.0.2:7777/callback',
  'http://localhost:7777/callback',
  'http://127.0.0.1.evil.example/callback',
  'http://127.1/callback',
  'javascript:alert(1)',
]

for (const redirect of REDIRECTS) {
  test(`nobody is sent to ${redirect}, which is not the registered address`, async () => {
    const earlier = refusals()
    const page = await gateway.browser().get(authorizeUrl(gateway, clientId, { redirect_uri: redirect }))
    assert.equal(page.status, 400)
    assert.equal(page.leadsTo, undefined)
    assert.equal(page.headers['location'], undefined)
    assert.ok(!page.text.includes('<form'), 'there is nothing to sign in to')
    assert.equal(refusals(), earlier + 1)
  })
}

test('a program on the device may use any port, as it cannot know a free one', async () => {
  const page = await gateway
    .browser()
    .get(authorizeUrl(gateway, clientId, { redirect_uri: 'http://127.0.0.1:50123/callback' }))
  assert.equal(page.status, 200)
})

test('a code of one address is none for another', async () => {
  const { code, verifier } = await codeFor()
  const told = await redeem(gateway, clientId, code, verifier, { redirect_uri: 'http://127.0.0.1:7778/callback' })
  assert.deepEqual([told.status, told.json.error], [400, 'invalid_grant'])
})

for (const [title, changes] of [
  ['without PKCE', { code_challenge: null, code_challenge_method: null }],
  ['with a plain challenge', { code_challenge_method: 'plain' }],
  ['with a challenge of no method', { code_challenge_method: null }],
  ['for a token in the address', { response_type: 'token' }],
  ['for an ID token in the address', { response_type: 'code id_token', nonce: 'n' }],
  ['for a foreign resource', { resource: 'https://other.example/mcp' }],
  ['for a resource that only begins alike', { resource: 'SELF/more' }],
] as const) {
  test(`a request ${title} gets an error and never a code`, async () => {
    const resource = 'resource' in changes ? { resource: changes.resource.replace('SELF', gateway.url) } : {}
    const page = await gateway.browser().get(authorizeUrl(gateway, clientId, { ...changes, ...resource }))
    const { search, hash } = page.leadsTo ?? new URL('x:')
    const searchParams = new URLSearchParams(`${search.slice(1)}&${hash.slice(1)}`)
    assert.match(String(searchParams.get('error')), /^(invalid_request|unsupported_response_type|invalid_target)$/)
    assert.equal(searchParams.get('code'), null)
    assert.equal(searchParams.get('iss'), gateway.issuer, 'errors too say who sends them')
    assert.ok(!page.text.includes('<form'))
  })
}

test('a code without its verifier, or with another one, gives nothing', async () => {
  for (const changes of [{ code_verifier: '' }, { code_verifier: pkce().verifier }]) {
    const { code, verifier } = await codeFor()
    const told = await redeem(gateway, clientId, code, verifier, changes)
    assert.deepEqual([told.status, told.json.error], [400, 'invalid_grant'])
  }
})

test('a code of one client is none for another', async () => {
  const other = (await gateway.client()).id
  const { code, verifier } = await codeFor()
  assert.equal((await redeem(gateway, other, code, verifier)).json.error, 'invalid_grant')
})

test('an answer names its issuer, so that a client cannot mix up two servers', async () => {
  const { answer } = await codeFor()
  assert.equal(answer.get('iss'), gateway.issuer)
  assert.equal(answer.get('state'), 'a state')
})

test('a code that is used twice ends what it gave', async () => {
  const { code, verifier } = await codeFor()
  const first = await redeem(gateway, clientId, code, verifier)
  const { access_token: token, refresh_token: again } = first.json as { access_token: string; refresh_token: string }
  assert.equal((await echo(token)).status, 200)
  const earlier = upstream.count()
  assert.equal((await redeem(gateway, clientId, code, verifier)).json.error, 'invalid_grant')
  assert.equal((await echo(token)).status, 401)
  assert.equal((await refresh(gateway, clientId, again)).json.error, 'invalid_grant')
  assert.equal(upstream.count(), earlier)
})

test('of 50 who present one code at once at most one gets tokens, and those are worth nothing', async () => {
  const { code, verifier } = await codeFor()
  const told = await Promise.all(Array.from({ length: 50 }, () => redeem(gateway, clientId, code, verifier)))
  const good = told.filter(({ status }) => status === 200)
  assert.ok(good.length <= 1)
  assert.ok(told.every(({ status, json }) => status === 200 || json.error === 'invalid_grant'))
  for (const { json } of good) {
    assert.equal((await echo(json.access_token as string)).status, 401)
    assert.equal((await refresh(gateway, clientId, json.refresh_token as string)).json.error, 'invalid_grant')
  }
})

test('a refresh token that is used twice ends its family, the new ones too', async () => {
  const first = await tokensOf(gateway, clientId, 'alice')
  const second = (await refresh(gateway, clientId, first.refresh_token)).json as typeof first
  assert.equal((await echo(second.access_token)).status, 200)
  assert.equal((await refresh(gateway, clientId, first.refresh_token)).json.error, 'invalid_grant')
  for (const { access_token: token, refresh_token: again } of [first, second]) {
    assert.equal((await echo(token)).status, 401)
    assert.equal((await refresh(gateway, clientId, again)).json.error, 'invalid_grant')
  }
})

test('of 50 who refresh at once at most one gets tokens, and the family ends', async () => {
  const { refresh_token: token } = await tokensOf(gateway, clientId, 'alice')
  const told = await Promise.all(Array.from({ length: 50 }, () => refresh(gateway, clientId, token)))
  const good = told.filter(({ status }) => status === 200)
  assert.ok(good.length <= 1)
  for (const { json } of good) assert.equal((await echo(json.access_token as string)).status, 401)
})

test('a refresh can ask for no other resource and no further scope', async () => {
  const { refresh_token: token } = await tokensOf(gateway, clientId, 'alice')
  const foreign = await refresh(gateway, clientId, token, { resource: gateway.endpoint('two') })
  assert.equal(foreign.json.error, 'invalid_target')
  const { refresh_token: other } = await tokensOf(gateway, clientId, 'alice')
  assert.equal((await refresh(gateway, clientId, other, { scope: 'mcp more' })).json.error, 'invalid_scope')
})

test('an ID token is no access token', async () => {
  const { verifier, code } = await codeFor({ scope: 'openid mcp' })
  const { id_token: token } = (await redeem(gateway, clientId, code, verifier)).json as { id_token: string }
  assert.match(token, /^ey/)
  const earlier = upstream.count()
  assert.equal((await echo(token)).status, 401)
  assert.equal(upstream.count(), earlier)
})

test('a client that does not prove itself gets nothing', async () => {
  const robot = await gateway.client({ proof: { kind: 'secret' }, roles: ['admin'], redirects: [] })
  const form = { grant_type: 'client_credentials', resource: gateway.url }
  const stores = gateway.records().length
  const basic = (secret: string) => ({
    authorization: `Basic ${Buffer.from(`${robot.id}:${secret}`).toString('base64')}`,
  })
  const digest = createHash('sha256')
    .update(robot.secret ?? '')
    .digest('base64url')
  for (const told of [
    await gateway.tell('/token', form, basic('wrong')),
    await gateway.tell('/token', form, basic('')),
    await gateway.tell('/token', form, basic(digest)),
    await gateway.tell('/token', { ...form, client_id: robot.id }),
    await gateway.tell('/token', { ...form, client_id: 'nobody', client_secret: 'x' }),
    await gateway.tell('/token', { ...form, client_id: clientId }),
  ]) {
    assert.ok(told.status === 401 || told.status === 400, told.text)
    assert.match(told.json.error as string, /^(invalid_client|unauthorized_client|invalid_request)$/)
    assert.equal(told.json.access_token, undefined)
  }
  const issued = gateway
    .records()
    .slice(stores)
    .filter(({ what }) => what === 'token.issued')
  assert.deepEqual(issued, [])
  assert.equal((await gateway.tell('/token', form, basic(robot.secret ?? ''))).status, 200)
})

test('nobody registers a client where that is not configured', async () => {
  const document = JSON.stringify({ client_name: 'x', redirect_uris: [REDIRECT] })
  const dispatcher = new Agent({ connect: { ca: readFileSync(gateway.caFile) } })
  const known = await gateway.clients.list('default')
  const answer = await request(`${gateway.issuer}/register`, {
    method: 'POST',
    dispatcher,
    headers: { 'content-type': 'application/json' },
    body: document,
  })
  await answer.body.dump()
  await dispatcher.destroy()
  assert.equal(answer.statusCode, 404)
  assert.deepEqual(await gateway.clients.list('default'), known)
  const metadata = JSON.parse(
    (await gateway.browser().get('/.well-known/oauth-authorization-server/auth')).text,
  ) as object
  assert.ok(!('registration_endpoint' in metadata))
})

test('people of one tenant cannot use a client of another', async () => {
  await gateway.person('mallory', ['admin'], 'rival')
  const browser = gateway.browser()
  const page = await browser.get(authorizeUrl(gateway, clientId))
  const { leadsTo } = await browser.submit(page, '/sign-in', {
    name: 'mallory',
    password: 'correct horse battery staple',
  })
  assert.equal(leadsTo?.searchParams.get('error'), 'access_denied')
  assert.equal(leadsTo?.searchParams.get('code'), null)
})
