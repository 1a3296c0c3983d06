/** The gateway as OAuth client of an upstream: consent, tokens of each principal, refresh, step-up, and what must not work. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { callTool, modern, openSession, send } from '../fixtures/client.ts'
import { call, connect, end, goThrough, linkOf, type Scene, scene, URLS } from '../fixtures/connecting.ts'

/** Whose tokens the calls behind the door carried. */
const callers = ({ upstream }: Scene): readonly unknown[] =>
  upstream.behind.seen
    .filter(({ message }) => message?.method === 'tools/call')
    .map(({ headers }) => upstream.tokens.get(String(headers.authorization).slice(7))?.account)

describe('an upstream to which each principal connects', { timeout: 60_000 }, () => {
  let all: Scene
  let alice: string
  let bob: string
  before(async () => {
    all = await scene()
    alice = await all.gateway.issue(['user'])
    bob = await all.gateway.issue(['user'])
  })
  after(() => end(all))

  it('tells a caller without a grant where to connect, in the form that it can take', async () => {
    const asked = await call(all.gateway, alice)
    assert.equal(asked.status, 200)
    assert.equal(asked.json.result.resultType, 'input_required')
    assert.equal(asked.json.result.inputRequests.connect.params.mode, 'url')
    const silent = await callTool(all.gateway, 'echo', { text: 'x' }, { token: alice })
    assert.equal(silent.status, 403)
    assert.equal(linkOf(silent), linkOf(asked), 'one wish, one link')
    const session = await openSession(all.gateway, { token: alice }, URLS)
    const listed = await send(
      all.gateway,
      { jsonrpc: '2.0', id: 1, method: 'tools/list' },
      { token: alice, headers: session },
    )
    assert.equal(listed.json.error.code, -32042)
    assert.equal(linkOf(listed), linkOf(asked))
    assert.equal(all.upstream.behind.seen.length, 0)
  })

  it('goes on once the caller has connected, with its answers kept', async () => {
    const asked = await call(all.gateway, alice)
    const page = await connect(all, linkOf(asked), alice, 'alice-at-mail')
    assert.equal(page.status, 200, page.text)
    const { requestState } = asked.json.result
    const done = await call(all.gateway, alice, 'x', {
      requestState,
      inputResponses: { connect: { action: 'accept' } },
    })
    assert.equal(done.json.result?.content[0].text, '{"text":"x"}', done.text)
    const seen = all.upstream.behind.seen.at(-1)?.message.params
    assert.equal(seen.requestState, undefined)
    assert.equal(seen.inputResponses, undefined)
    assert.deepEqual(callers(all), ['alice-at-mail'])
  })

  it('asks with PKCE, for this very resource, and shows the client only to its issuer', () => {
    const form = all.upstream.grants.find((one) => one.get('grant_type') === 'authorization_code')
    assert.equal(form?.get('resource'), all.upstream.url)
    assert.match(form?.get('code_verifier') ?? '', /^[\w~.-]{43,128}$/)
    const sent = all.upstream.asked.find((one) => one.startsWith('GET /as/auth?')) ?? ''
    assert.match(sent, /code_challenge_method=S256/)
    assert.match(sent, /[?&]resource=/)
  })

  it('never uses the grant of one principal for another', async () => {
    const asked = await call(all.gateway, bob)
    assert.equal(asked.json.result.resultType, 'input_required')
    await connect(all, linkOf(asked), bob, 'bob-at-mail')
    await call(all.gateway, bob)
    await call(all.gateway, alice)
    assert.deepEqual(callers(all).slice(-2), ['bob-at-mail', 'alice-at-mail'])
    const stranger = await all.gateway.issue(['user'], { tenant: 'other' })
    assert.equal((await call(all.gateway, stranger)).json.result.resultType, 'input_required')
  })

  it('keeps nothing in the clear: neither store nor log nor records hold a token', async () => {
    const { readFileSync, readdirSync } = await import('node:fs')
    const { join } = await import('node:path')
    const files = readdirSync(all.gateway.stateFolder, { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    )
    const everything = files.map((one) => readFileSync(join(one.parentPath, one.name), 'latin1')).join('\n')
    assert.ok(all.upstream.tokens.size > 0)
    for (const token of all.upstream.tokens.keys()) {
      assert.ok(!everything.includes(token))
      assert.ok(!all.gateway.logged.join('\n').includes(token))
    }
    assert.match(everything, /credential\.connected/)
  })

  it('refreshes once for 50 callers when a token is refused, and everybody gets the new one', async () => {
    const earlier = all.upstream.grants.filter((one) => one.get('grant_type') === 'refresh_token').length
    for (const [token, { account }] of all.upstream.tokens)
      if (account === 'alice-at-mail') all.upstream.tokens.delete(token)
    const replies = await Promise.all(Array.from({ length: 50 }, (_, at) => call(all.gateway, alice, `n${at}`)))
    for (const reply of replies) assert.ok(reply.json.result?.content, reply.text)
    const refreshes = all.upstream.grants.filter((one) => one.get('grant_type') === 'refresh_token').length - earlier
    assert.equal(refreshes, 1)
  })

  it('asks for more consent when the upstream demands another scope, and keeps the scopes that are there', async () => {
    all.upstream.demand('echo', 'read', 'write')
    const asked = await call(all.gateway, alice)
    assert.equal(asked.json.result.resultType, 'input_required', asked.text)
    const page = await connect(all, linkOf(asked), alice, 'alice-at-mail')
    assert.equal(page.status, 200, page.text)
    const done = await call(all.gateway, alice)
    assert.ok(done.json.result.content, done.text)
    assert.equal(all.upstream.asked.filter((one) => /^GET \/as\/auth\?.*scope=[^&]*write/.test(one)).length, 1)
    all.upstream.demand('echo')
  })

  it('asks to connect again when the family of tokens was ended at the other side', async () => {
    all.upstream.tokens.clear()
    all.upstream.forgetGrants()
    const asked = await call(all.gateway, alice)
    assert.equal(asked.json.result?.resultType, 'input_required', asked.text)
    await connect(all, linkOf(asked), alice, 'alice-again')
    await call(all.gateway, alice)
    assert.deepEqual(callers(all).slice(-1), ['alice-again'])
  })

  it('answers a client that lists through the aggregate path as well', async () => {
    const { body, headers } = modern('tools/list')
    const listed = await send(all.gateway, body, { url: `${all.gateway.origin}/mcp`, token: alice, headers })
    assert.deepEqual(
      listed.json.result.tools.map(({ name }: { name: string }) => name),
      ['mail__echo'],
    )
  })
})

describe('an upstream that a tenant shares', { timeout: 60_000 }, () => {
  it('is connected by an administrator, for everybody of the tenant and nobody else', async (t) => {
    const all = await scene({ mode: 'shared' })
    t.after(() => end(all))
    const user = await all.gateway.issue(['user'])
    const refused = await call(all.gateway, user)
    assert.equal(refused.status, 403)
    assert.match(refused.json.error.message, /administrator/)
    const asked = await call(all.gateway, all.gateway.token)
    await connect(all, linkOf(asked), all.gateway.token, 'team-at-mail')
    assert.ok((await call(all.gateway, user)).json.result.content)
    const stranger = await all.gateway.issue(['user'], { tenant: 'other' })
    assert.equal((await call(all.gateway, stranger)).status, 403)
    assert.deepEqual(callers(all), ['team-at-mail'])
  })

  it('can be one for which the gateway gets its own token, with more scopes when they are demanded', async (t) => {
    const all = await scene({ mode: 'shared', grant: 'client-credentials', scopes: ['read'] })
    t.after(() => end(all))
    all.upstream.addClient('portcullis', {
      client_secret: 'a-secret-of-the-client',
      token_endpoint_auth_method: 'client_secret_basic',
      redirect_uris: [],
      response_types: [],
      grant_types: ['client_credentials'],
    })
    const user = await all.gateway.issue(['user'])
    const done = await call(all.gateway, user)
    assert.ok(done.json.result?.content, done.text)
    all.upstream.demand('echo', 'read', 'write')
    const more = await call(all.gateway, user)
    assert.ok(more.json.result?.content, more.text + all.upstream.grants.map(String).join('\n'))
    all.upstream.tokens.clear()
    assert.ok((await call(all.gateway, user)).json.result?.content)
  })
})

describe('a gateway that registers itself', { timeout: 60_000 }, () => {
  it('does so once when that is spelled out', async (t) => {
    const all = await scene({ client: undefined, registration: 'dynamic' })
    t.after(() => end(all))
    for (const account of ['one', 'two']) {
      const key = await all.gateway.issue(['user'])
      const page = await connect(all, linkOf(await call(all.gateway, key)), key, account)
      assert.equal(page.status, 200, page.text)
      assert.ok((await call(all.gateway, key)).json.result.content)
    }
    assert.equal(all.upstream.asked.filter((one) => one === 'POST /as/reg').length, 1)
  })

  it('does not when it is not: then it presents a document, which this server does not read', async (t) => {
    const all = await scene({ client: undefined })
    t.after(() => end(all))
    const key = await all.gateway.issue(['user'])
    const { left, browser } = await goThrough(all, linkOf(await call(all.gateway, key)), key, 'one')
    assert.equal(left.status, 502)
    const document = JSON.parse((await browser.get('/connect/client/mail.json')).text)
    assert.equal(document.client_id, `${all.gateway.origin}/connect/client/mail.json`)
    assert.deepEqual(document.redirect_uris, [`${all.gateway.origin}/connect/callback/mail`])
    assert.ok(!all.upstream.asked.includes('POST /as/reg'))
  })
})
