/** RFC 9700, section by section, against the running gateway: `oauth-bcp-table.ts` says which test proves which requirement. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Agent, request } from 'undici'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { proofFor, type ProofKey, proofKey } from '../fixtures/proof.ts'
import {
  authorizeUrl,
  PASSWORD,
  pkce,
  REDIRECT,
  redeem,
  refresh,
  type SignInGateway,
  signInAndAllow,
  startSignIn,
} from '../fixtures/sign-in.ts'
import { ROWS, SECTIONS } from './oauth-bcp-table.ts'

const ALLOWED = 'https://app.example'

let upstream: CountingUpstream
let gateway: SignInGateway
let clientId: string
let dispatcher: Agent

before(async () => {
  upstream = await startCounting()
  gateway = await startSignIn({
    upstreams: [{ name: 'one', url: upstream.url }],
    config: { listen: { port: 0, allowedOrigins: [ALLOWED] } },
    server: { registration: { maxClients: 20 } },
  })
  await gateway.person('alice')
  clientId = (await gateway.client()).id
  dispatcher = new Agent({ connect: { ca: readFileSync(gateway.caFile) } })
})
after(async () => {
  await dispatcher.destroy()
  await gateway.close()
  await upstream.close()
})

const issued = () => gateway.records().filter(({ what }) => what === 'token.issued').length

async function raw(method: 'GET' | 'OPTIONS' | 'POST', path: string, headers: Record<string, string>, body?: string) {
  const answer = await request(gateway.origin + path, { method, dispatcher, headers, ...(body && { body }) })
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
}

/** A client that introduces itself, as anybody may here. */
async function stranger(document: object = {}): Promise<Record<string, string>> {
  const sent = JSON.stringify({ client_name: 'Your bank', redirect_uris: ['https://evil.example/login'], ...document })
  const { status, text } = await raw('POST', '/auth/register', { 'content-type': 'application/json' }, sent)
  assert.equal(status, 201, text)
  return JSON.parse(text) as Record<string, string>
}

async function codeFor(id: string, changes: Record<string, string | null> = {}) {
  const { verifier, challenge } = pkce()
  const browser = gateway.browser()
  const page = await browser.get(authorizeUrl(gateway, id, { code_challenge: challenge, ...changes }))
  const done = await signInAndAllow(browser, page, 'alice')
  return { verifier, code: done.leadsTo?.searchParams.get('code') ?? '', hops: done.hops }
}

describe('the table', () => {
  test('has a row for every section that concerns us, and no other', () => {
    assert.deepEqual([...new Set(ROWS.map(({ section }) => section))], SECTIONS)
  })

  for (const { section, requires, proofs } of ROWS) {
    test(`§${section}: “${requires}” is proved by tests that exist`, () => {
      assert.ok(proofs.length > 0)
      for (const [file, title] of proofs) {
        const path = join(import.meta.dirname, '..', `${file}.test.ts`)
        assert.ok(existsSync(path), file)
        const starts = ["'", '"', '`'].flatMap((quote) => ['test', 'it'].map((word) => `${word}(${quote}${title}`))
        const text = readFileSync(path, 'utf8').replaceAll(/\(\s+/g, '(')
        assert.ok(
          starts.some((start) => text.includes(start)),
          `${file} has no test that starts with: ${title}`,
        )
      }
    })
  }
})

test('the metadata say what is supported, and nothing of it is discouraged', async () => {
  for (const path of ['/.well-known/oauth-authorization-server/auth', '/auth/.well-known/openid-configuration']) {
    const metadata = JSON.parse((await raw('GET', path, {})).text) as Record<string, unknown>
    assert.partialDeepStrictEqual(metadata, {
      issuer: gateway.issuer,
      code_challenge_methods_supported: ['S256'],
      response_types_supported: ['code'],
      authorization_response_iss_parameter_supported: true,
    })
    const grants = metadata['grant_types_supported'] as readonly string[]
    assert.ok(!grants.includes('password') && !grants.includes('implicit'))
    const modes = metadata['response_modes_supported'] as readonly string[]
    assert.deepEqual(modes.toSorted(), ['form_post', 'fragment', 'query'])
    assert.ok(!JSON.stringify(metadata).includes('http://'))
    assert.ok((metadata['token_endpoint_auth_methods_supported'] as readonly string[]).includes('private_key_jwt'))
  }
})

test('a password at the token endpoint gives nothing, right or wrong', async () => {
  const secret = await gateway.client({ proof: { kind: 'secret' }, roles: ['admin'] })
  const basic = `Basic ${Buffer.from(`${secret.id}:${secret.secret}`).toString('base64')}`
  const earlier = issued()
  for (const password of [PASSWORD, 'wrong']) {
    const form = { grant_type: 'password', username: 'alice', password, scope: 'mcp' }
    for (const told of [
      await gateway.tell('/token', { ...form, client_id: clientId }),
      await gateway.tell('/token', form, { authorization: basic }),
    ])
      assert.deepEqual(
        [told.status, told.json.error, told.json.access_token],
        [400, 'unsupported_grant_type', undefined],
      )
  }
  assert.equal(issued(), earlier)
  assert.ok(!JSON.stringify(gateway.records()).includes(PASSWORD))
})

test('a client that keeps a secret needs a challenge too, and its code a verifier', async () => {
  const { id, secret } = await gateway.client({ proof: { kind: 'secret' } })
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
  const without = { code_challenge: null, code_challenge_method: null }
  const refused = await gateway.browser().get(authorizeUrl(gateway, id, without))
  assert.equal(refused.leadsTo?.searchParams.get('error'), 'invalid_request')
  const form = { grant_type: 'authorization_code', redirect_uri: REDIRECT }
  for (const wrong of [{}, { code_verifier: pkce().verifier }] as readonly Record<string, string>[]) {
    const { code } = await codeFor(id)
    const told = await gateway.tell('/token', { ...form, code, ...wrong }, { authorization })
    assert.deepEqual([told.status, told.json.error], [400, 'invalid_grant'])
  }
  const { code, verifier } = await codeFor(id)
  assert.equal(
    (await gateway.tell('/token', { ...form, code, code_verifier: verifier }, { authorization })).status,
    200,
  )
})

test('a challenge that was pushed is not taken away, and not replaced, by the address', async () => {
  const { verifier, challenge } = pkce()
  const other = pkce()
  const url = new URL(authorizeUrl(gateway, clientId, { code_challenge: challenge }))
  const pushed = await gateway.tell('/par', url.searchParams)
  const { request_uri: uri } = pushed.json as { request_uri: string }
  const asked = new URLSearchParams({ client_id: clientId, request_uri: uri, code_challenge: other.challenge })
  const browser = gateway.browser()
  const page = await browser.get(`${gateway.issuer}/authorize?${asked}`)
  const code = (await signInAndAllow(browser, page, 'alice')).leadsTo?.searchParams.get('code')
  assert.ok(code, 'what the address says beside is not heard')
  assert.equal((await redeem(gateway, clientId, code, other.verifier)).json.error, 'invalid_grant')
  assert.notEqual((await redeem(gateway, clientId, code, '')).status, 200)
  assert.equal((await redeem(gateway, clientId, code, verifier)).status, 200)
})

test('a code is worth nothing a minute later', async (t) => {
  const { code, verifier } = await codeFor(clientId)
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 61_000 })
  assert.equal((await redeem(gateway, clientId, code, verifier)).json.error, 'invalid_grant')
})

test('no answer to a form with a password is a redirect that would send it again', async () => {
  const { hops } = await codeFor(clientId)
  assert.ok(hops.length > 1)
  const browser = gateway.browser()
  const page = await browser.get(authorizeUrl(gateway, clientId))
  const signedIn = await browser.submit(page, '/sign-in', { name: 'alice', password: PASSWORD })
  const failed = await gateway.browser().get(authorizeUrl(gateway, clientId))
  const account = await browser.submit(await browser.get('/auth/account'), '/sign-in', {
    name: 'alice',
    password: PASSWORD,
  })
  const ways = [hops, page.hops, signedIn.hops, failed.hops, account.hops].flat()
  assert.deepEqual(
    ways.filter((status) => status >= 300 && status !== 303),
    [],
  )
  assert.ok(signedIn.hops.includes(303) && account.hops.includes(303))
})

test('no page loads anything of others, and none tells its address to them', async () => {
  const browser = gateway.browser()
  const signIn = await browser.get(authorizeUrl(gateway, clientId))
  const consent = await browser.submit(signIn, '/sign-in', { name: 'alice', password: PASSWORD })
  const own = gateway.browser()
  const account = await own.submit(await own.get('/auth/account'), '/sign-in', { name: 'alice', password: PASSWORD })
  const form = await browser.submit(
    await browser.get(authorizeUrl(gateway, clientId, { response_mode: 'form_post' })),
    '/consent',
  )
  const others = await Promise.all(['/auth/device', '/auth/authorize', '/auth/sign-out'].map((path) => own.get(path)))
  for (const page of [signIn, consent, account, form, ...others]) {
    assert.equal(page.headers['referrer-policy'], 'same-origin', page.url)
    assert.match(String(page.headers['content-security-policy']), /^default-src 'none'/)
    assert.doesNotMatch(page.text, /<(?:img|link|iframe|object|embed|video|audio|base)\b|url\(|@import/i)
    for (const [, source = ''] of page.text.matchAll(/\bsrc="([^"]*)"/g))
      assert.equal(new URL(source, gateway.origin).origin, gateway.origin)
  }
})

test('the authorization endpoint shares nothing with other origins, not even with those that are allowed', async () => {
  const path = new URL(authorizeUrl(gateway, clientId))
  for (const origin of [ALLOWED, 'https://evil.example', 'null']) {
    for (const method of ['GET', 'OPTIONS'] as const) {
      const preflight = method === 'OPTIONS' ? { 'access-control-request-method': 'GET' } : {}
      const reply = await raw(method, path.pathname + path.search, { origin, ...preflight })
      assert.equal(reply.headers['access-control-allow-origin'], undefined, `${method} ${origin}`)
    }
    const token = await raw(
      'POST',
      '/auth/token',
      { origin, 'content-type': 'application/x-www-form-urlencoded' },
      'a=b',
    )
    assert.equal(token.headers['access-control-allow-origin'], origin === ALLOWED ? ALLOWED : undefined, origin)
    assert.equal(token.headers['access-control-allow-credentials'], undefined)
  }
})

test('no parameter of any page leads to another site', async () => {
  const evil = 'https://evil.example/login'
  const names = ['redirect_uri', 'post_logout_redirect_uri', 'redirect', 'return_to', 'returnTo', 'next', 'url', 'to']
  const paths = ['authorize', 'sign-out', 'sign-out/confirm', 'device', 'account', 'account/arrive', 'callback/acme']
  for (const path of [...paths, 'welcome', 'interaction/aaaaaaaaaaaa', 'passkeys.js', 'jwks', '']) {
    for (const name of names) {
      const page = await gateway.browser().get(`/auth/${path}?${new URLSearchParams({ [name]: evil, state: 'x' })}`)
      assert.equal(page.leadsTo, undefined, `${path} ${name}`)
      assert.ok(!page.text.includes('evil.example') && page.headers['refresh'] === undefined, `${path} ${name}`)
    }
  }
})

test('a client that introduced itself gets nobody sent to its page by a request that fails', async () => {
  const { client_id: id = '' } = await stranger()
  const redirect_uri = 'https://evil.example/login'
  const earlier = gateway.records().filter(({ kind }) => kind === 'refusal').length
  for (const change of [{ response_type: 'token' }, { prompt: 'none' }, { code_challenge: null }]) {
    const page = await gateway.browser().get(authorizeUrl(gateway, id, { redirect_uri, ...change }))
    assert.equal(page.leadsTo, undefined)
    assert.equal(page.headers['refresh'], undefined)
    assert.match(page.text, /Go back to evil\.example\?/)
    assert.match(page.text, /rel="noreferrer">Go to evil\.example</)
    assert.doesNotMatch(page.text, /Your bank/)
  }
  const browser = gateway.browser()
  const denied = await browser.submit(await browser.get(authorizeUrl(gateway, id, { redirect_uri })), '/deny')
  assert.equal(denied.leadsTo, undefined)
  assert.match(denied.text, /href="https:\/\/evil\.example\/login\?error=access_denied/)
  assert.equal(gateway.records().filter(({ kind }) => kind === 'refusal').length, earlier + 4, 'each is on record')
  const allowed = gateway.browser()
  const done = await signInAndAllow(allowed, await allowed.get(authorizeUrl(gateway, id, { redirect_uri })), 'alice')
  assert.equal(done.leadsTo?.host, 'evil.example', 'who has consented goes there')
  for (const trusted of [clientId, (await stranger({ redirect_uris: [REDIRECT] }))['client_id'] ?? '']) {
    const { leadsTo } = await gateway.browser().get(authorizeUrl(gateway, trusted, { prompt: 'none' }))
    assert.equal(leadsTo?.searchParams.get('error'), 'login_required', 'an operator looked at it, or it is no site')
  }
})

test('a client chooses neither its id nor whom it passes for', async () => {
  const account = await gateway.accounts.find('default', 'alice')
  const made = await stranger({ client_id: account?.id, sub: account?.id, client_name: account?.id, scope: 'admin' })
  assert.notEqual(made['client_id'], account?.id)
  const earlier = issued()
  const told = await gateway.tell('/token', { grant_type: 'client_credentials', client_id: made['client_id'] ?? '' })
  assert.notEqual(told.status, 200)
  assert.equal(issued(), earlier)
  const robot = await gateway.client({ proof: { kind: 'secret' }, roles: ['admin'], redirects: [] })
  const authorization = `Basic ${Buffer.from(`${robot.id}:${robot.secret}`).toString('base64')}`
  const form = { grant_type: 'client_credentials', resource: gateway.url, sub: account?.id ?? '' }
  const { access_token: token } = (await gateway.tell('/token', form, { authorization })).json as Record<string, string>
  const claims = JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
  assert.equal(claims['sub'], robot.id)
  assert.equal((await callTool(gateway, 'echo', { text: 'x' }, { token: token ?? '' })).status, 200)
  const principals = gateway.records().map(({ principal, by }) => JSON.stringify([principal, by]))
  assert.ok(principals.some((one) => one.includes(`client:${robot.id}`)))
  assert.ok(!principals.some((one) => one.includes(`user:${robot.id}`)))
})

for (const mode of ['web_message', 'web_message.jwt', 'jwt', 'query.jwt', 'form_post.jwt', 'window']) {
  test(`the response mode ${mode} does not exist, so no window gets a message`, async () => {
    const page = await gateway.browser().get(authorizeUrl(gateway, clientId, { response_mode: mode }))
    assert.equal(page.leadsTo?.searchParams.get('code') ?? null, null)
    assert.ok(!page.text.includes('postMessage') && !page.text.includes('<script'))
    assert.ok(page.status >= 400 || page.leadsTo?.searchParams.get('error') === 'unsupported_response_mode')
  })
}

test('a refresh token that is bound to a key is worth nothing without it', async () => {
  const [key, thief] = [await proofKey(), await proofKey()]
  const proof = (by: ProofKey) =>
    proofFor(by, { url: `${gateway.issuer}/token`, token: '', claims: { ath: undefined } })
  const bound = async () => {
    const { code, verifier } = await codeFor(clientId)
    const usual = { grant_type: 'authorization_code', client_id: clientId, redirect_uri: REDIRECT }
    const told = await gateway.tell('/token', { ...usual, code, code_verifier: verifier }, { dpop: await proof(key) })
    assert.equal(told.status, 200, told.text)
    return (told.json as { refresh_token: string }).refresh_token
  }
  const token = await bound()
  const earlier = issued()
  assert.notEqual((await refresh(gateway, clientId, token)).status, 200)
  const form = { grant_type: 'refresh_token', client_id: clientId, refresh_token: token }
  assert.notEqual((await gateway.tell('/token', form, { dpop: await proof(thief) })).status, 200)
  assert.equal(issued(), earlier)
  assert.equal((await gateway.tell('/token', form, { dpop: await proof(key) })).status, 200)
})
