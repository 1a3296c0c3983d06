/** What an upstream, its authorization server, another person or another site could try while somebody connects. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { readFileSync, readdirSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Browser } from '../fixtures/browser.ts'
import { ask, callTool } from '../fixtures/client.ts'
import { call, connect, end, goThrough, linkOf, type Scene, scene } from '../fixtures/connecting.ts'

const records = ({ gateway }: Scene): string =>
  readdirSync(gateway.auditFolder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => readFileSync(join(one.parentPath, one.name), 'utf8'))
    .join('\n')

/** A new person with a link of its own. */
async function invited(all: Scene) {
  const key = await all.gateway.issue(['user'])
  return { key, link: linkOf(await call(all.gateway, key)) }
}

/** That nobody was connected by what was tried. */
async function assertUnconnected(all: Scene, key: string): Promise<void> {
  const seen = all.upstream.behind.count()
  const reply = await call(all.gateway, key)
  assert.equal(reply.json.result?.resultType, 'input_required', reply.text)
  assert.equal(all.upstream.behind.count(), seen, 'nothing reached the upstream')
}

describe('attacks on a person who connects an upstream', { timeout: 60_000 }, () => {
  let all: Scene
  before(async () => {
    all = await scene()
  })
  after(() => end(all))

  it('accepts a callback once', async () => {
    const { key, link } = await invited(all)
    const { browser, callback } = await goThrough(all, link, key, 'alice')
    assert.equal((await browser.get(callback)).status, 200)
    const codes = all.upstream.grants.filter((one) => one.get('grant_type') === 'authorization_code').length
    assert.equal((await browser.get(callback)).status, 400)
    assert.equal((await browser.get(link)).status, 400, 'the link is used up as well')
    assert.equal(all.upstream.grants.filter((one) => one.get('grant_type') === 'authorization_code').length, codes)
    assert.match(records(all), /"code":"connect\.invalid"/)
  })

  it('refuses a callback in another browser, and the journey ends there', async () => {
    const { key, link } = await invited(all)
    const { browser, callback } = await goThrough(all, link, key, 'alice')
    const other = new Browser(all.gateway.origin, all.gateway.caFile)
    await other.get(linkOf(await call(all.gateway, await all.gateway.issue(['user']))))
    assert.equal((await other.get(callback)).status, 400)
    assert.equal((await browser.get(callback)).status, 400)
    await assertUnconnected(all, key)
  })

  it('lets nobody connect for somebody else: the key has to be that of the one who was asked', async () => {
    const { link, key } = await invited(all)
    const mallory = await all.gateway.issue(['user'])
    const sameNameElsewhere = await all.gateway.issue(['admin'], { tenant: 'other' })
    const asked = all.upstream.asked.length
    const texts = new Set<string>()
    for (const wrong of [mallory, sameNameElsewhere, 'pcl_test_nothing', '', 'a b', `${key}x`]) {
      const { left } = await goThrough(all, linkOf(await call(all.gateway, key)), wrong, 'mallory')
      assert.equal(left.status, 400)
      texts.add(left.text)
    }
    assert.equal(texts.size, 1, 'every wrong proof reads the same')
    assert.equal(all.upstream.asked.length, asked, 'nobody was sent to the authorization server')
    const browser = new Browser(all.gateway.origin, all.gateway.caFile)
    assert.equal((await browser.get(link)).status, 400, 'after some wrong proofs the link is worth nothing')
    await assertUnconnected(all, key)
  })

  it('takes no form of another site', async () => {
    const { key, link } = await invited(all)
    const browser = new Browser(all.gateway.origin, all.gateway.caFile)
    const stranger = new Browser(all.gateway.origin, all.gateway.caFile)
    const shown = await stranger.get(link)
    const token = /name="token" value="([^"]+)"/.exec(shown.text)?.[1] as string
    await browser.get(link)
    for (const fields of [{ key }, { key, token: '' }, { key, token }, { key, token: 'x'.repeat(43) }])
      assert.equal((await browser.post(link, fields as unknown as Record<string, string>)).status, 400)
    const foreign = await browser.post(link, { key, token }, { origin: 'https://evil.example' })
    assert.equal(foreign.status, 403)
    await assertUnconnected(all, key)
  })

  for (const [what, change] of [
    ['the issuer of somebody else', (url: URL) => url.searchParams.set('iss', 'https://evil.example')],
    [
      'an issuer that differs in one character',
      (url: URL) => url.searchParams.set('iss', `${url.searchParams.get('iss')}/`),
    ],
    ['no issuer although the server sends one', (url: URL) => url.searchParams.delete('iss')],
    ['two codes', (url: URL) => url.searchParams.append('code', 'another')],
    ['another code', (url: URL) => url.searchParams.set('code', 'another')],
    [
      'an error in place of the code',
      (url: URL) => (url.searchParams.delete('code'), url.searchParams.set('error', 'access_denied')),
    ],
  ] as const) {
    it(`refuses a callback with ${what}`, async () => {
      const { key, link } = await invited(all)
      const { browser, callback } = await goThrough(all, link, key, 'alice')
      const changed = new URL(callback)
      change(changed)
      assert.equal((await browser.get(changed.href)).status, 400)
      assert.equal((await browser.get(callback)).status, 400, 'the state is used up')
      await assertUnconnected(all, key)
    })
  }

  it('sends nothing of what the caller sent, whatever it claims', async () => {
    const { key, link } = await invited(all)
    await connect(all, link, key, 'alice')
    const forged = {
      cookie: 'a=forged',
      'x-api-key': 'forged',
      'x-forwarded-authorization': `Bearer ${key}`,
      'proxy-authorization': `Bearer ${key}`,
      'x-forwarded-for': '10.0.0.1',
      forwarded: 'for=10.0.0.1',
      dpop: 'forged',
    }
    const reply = await callTool(all.gateway, 'echo', { text: 'x' }, { token: key, headers: forged })
    assert.ok(reply.json.result, reply.text)
    const seen = all.upstream.behind.seen.at(-1)
    assert.equal(all.upstream.tokens.get(String(seen?.headers.authorization).slice(7))?.account, 'alice')
    for (const { rawHeaders, text } of all.upstream.behind.seen) {
      assert.ok(!rawHeaders.join('\n').includes(key) && !text.includes(key))
      assert.ok(!rawHeaders.join('\n').includes('forged'))
    }
  })

  it('tells a person nothing of an upstream that the policy hides', async (t) => {
    const hidden = await scene({})
    t.after(() => end(hidden))
    const outside = await hidden.gateway.issue(['user'], { upstreams: [] })
    const reply = await ask(
      hidden.gateway,
      'tools/call',
      { name: 'echo' },
      { token: outside, capabilities: { elicitation: { url: {} } } },
    )
    assert.ok(!reply.text.includes('/connect/'), reply.text)
  })
})

describe('what an upstream says of its authorization server', { timeout: 60_000 }, () => {
  const LIES: readonly (readonly [string, string, (all: Scene) => void, Readonly<Record<string, unknown>>?])[] = [
    [
      'metadata of another resource',
      'are of another resource',
      ({ upstream }) => upstream.describe({ resource: 'https://other.example/mcp' }),
    ],
    [
      'metadata of a sibling path',
      'are of another resource',
      ({ upstream }) => upstream.describe({ resource: upstream.url.replace('/mcp', '/mcp2') }),
    ],
    [
      'another authorization server',
      'another authorization server is named',
      ({ upstream }) => upstream.describe({ authorization_servers: ['https://evil.example'] }),
    ],
    [
      'an authorization server inside, when the operator names none',
      'an address of this house',
      ({ upstream }) => upstream.describe({ authorization_servers: ['https://10.0.0.1/as'] }),
      { issuer: undefined, client: undefined, registration: 'dynamic' },
    ],
    [
      'the metadata service of a cloud',
      'plain http is not allowed there',
      ({ upstream }) => upstream.describe({ authorization_servers: ['http://169.254.169.254/'] }),
      { issuer: undefined, client: undefined, registration: 'dynamic' },
    ],
    [
      'a name that leads inside',
      'a name of this house',
      ({ upstream }) => upstream.describe({ authorization_servers: ['https://localhost:1/as'] }),
      { issuer: undefined, client: undefined, registration: 'dynamic' },
    ],
    [
      'server metadata that redirect',
      'a metadata document redirects',
      ({ upstream }) =>
        upstream.interfere(
          (incoming, response) =>
            wellKnown(incoming.url) &&
            response.writeHead(302, { location: 'https://example.com/' }).end().writableEnded,
        ),
    ],
    [
      'server metadata of another issuer',
      'the metadata name another issuer',
      ({ upstream }) =>
        upstream.interfere(
          (incoming, response) =>
            wellKnown(incoming.url) &&
            answer(response, { ...METADATA(upstream.issuer), issuer: `${upstream.issuer}/` }),
        ),
    ],
    [
      'a server without PKCE',
      'no PKCE with S256',
      ({ upstream }) =>
        upstream.interfere(
          (incoming, response) => wellKnown(incoming.url) && answer(response, METADATA(upstream.issuer)),
        ),
    ],
    [
      'an authorization endpoint that is a script',
      'only https is allowed',
      ({ upstream }) =>
        upstream.interfere(
          (incoming, response) =>
            wellKnown(incoming.url) &&
            answer(response, { ...METADATA(upstream.issuer), ...PKCE, authorization_endpoint: 'javascript:alert(1)' }),
        ),
    ],
    [
      'a token endpoint inside',
      'plain http is not allowed there',
      ({ upstream }) =>
        upstream.interfere(
          (incoming, response) =>
            wellKnown(incoming.url) &&
            answer(response, { ...METADATA(upstream.issuer), ...PKCE, token_endpoint: 'http://10.0.0.1/token' }),
        ),
    ],
    [
      'a document without end',
      'more than 262144 bytes',
      ({ upstream }) =>
        upstream.interfere(
          (incoming, response) =>
            wellKnown(incoming.url) &&
            answer(response, { ...METADATA(upstream.issuer), ...PKCE, more: 'x'.repeat(300_000) }),
        ),
    ],
  ]
  for (const [what, reason, lie, oauth] of LIES) {
    it(`is not believed: ${what}`, async (t) => {
      const all = await scene(oauth)
      t.after(() => end(all))
      lie(all)
      const { key, link } = await invited(all)
      const { left, callback } = await goThrough(all, link, key, 'alice')
      assert.equal(left.status, 502, left.text)
      assert.equal(callback, '')
      assert.ok(!left.text.includes('10.0.0.1') && !left.text.includes('evil'))
      assert.equal(all.upstream.grants.length, 0)
      assert.match(records(all), new RegExp(`"code":"upstream\\.unavailable".*${reason}`))
    })
  }

  it('is not believed: metadata that a challenge names on a private address', async (t) => {
    const all = await scene()
    t.after(() => end(all))
    const { key, link } = await invited(all)
    await connect(all, link, key, 'alice')
    assert.ok((await call(all.gateway, key)).json.result?.content)
    all.upstream.behind.misbehave((seen, response) => {
      if (seen.message?.method !== 'tools/call') return false
      const where = 'resource_metadata="https://10.0.0.1/.well-known/x"'
      response
        .writeHead(403, { 'www-authenticate': `Bearer error="insufficient_scope", scope="write", ${where}` })
        .end()
      return true
    })
    const { left } = await goThrough(all, linkOf(await call(all.gateway, key)), key, 'alice')
    assert.equal(left.status, 502)
  })
})

const wellKnown = (url: string | undefined): boolean => url?.includes('.well-known') === true
const METADATA = (issuer: string) => ({
  issuer,
  authorization_endpoint: `${issuer}/auth`,
  token_endpoint: `${issuer}/token`,
  response_types_supported: ['code'],
})
const PKCE = { code_challenge_methods_supported: ['S256'] }

function answer(response: ServerResponse, body: object): true {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  return true
}
