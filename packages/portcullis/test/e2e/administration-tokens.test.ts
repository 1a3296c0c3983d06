/** ID-3: the administration is a protected resource of its own: it is described, it challenges, and it demands its scopes. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { callTool, send } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startIssuing } from '../fixtures/issuing-gateway.ts'
import { type SignInGateway, startSignIn, tokensOf } from '../fixtures/sign-in.ts'

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

describe('tokens for the administration', { timeout: 60_000 }, () => {
  let upstream: CountingUpstream
  let gateway: SignInGateway
  let client: string
  before(async () => {
    upstream = await startCounting()
    gateway = await startSignIn({ upstreams: [{ name: 'one', url: upstream.url }] })
    await gateway.person('alice', ['admin'])
    await gateway.person('bob', ['user'])
    client = (await gateway.client()).id
  })
  after(async () => {
    await gateway.close()
    await upstream.close()
  })

  const resource = () => `${gateway.origin}/admin`
  const admin = (token: string | null, method = 'GET', path = '/keys', body?: object) =>
    send(gateway, body, { method, token, url: `${gateway.origin}/admin/v1${path}` })
  const tokenFor = async (name: string, scope: string, of = resource()) =>
    (await tokensOf(gateway, client, name, { resource: of, scope })).access_token
  const NEW_KEY = { name: 'made by a token', roles: ['user'] }

  it('are led to by its metadata and its challenge', async () => {
    const path = '/.well-known/oauth-protected-resource/admin'
    const document = await send(gateway, undefined, { method: 'GET', token: null, url: gateway.origin + path })
    assert.equal(document.status, 200)
    assert.deepEqual(
      [document.json.resource, document.json.authorization_servers, document.json.scopes_supported],
      [resource(), [gateway.issuer], ['admin:read', 'admin:write']],
    )
    const challenge = String((await admin(null)).headers['www-authenticate'])
    assert.ok(challenge.includes(`resource_metadata="${gateway.origin}${path}"`), challenge)
    assert.ok(challenge.includes('scope="admin:read"'), challenge)
  })

  it('may look with admin:read, and are told what they need to change something', async () => {
    const token = await tokenFor('alice', 'admin:read')
    assert.deepEqual([claimsOf(token)['aud'], claimsOf(token)['scope']], [resource(), 'admin:read'])
    const listed = await admin(token)
    assert.equal(listed.status, 200, listed.text)
    const refused = await admin(token, 'POST', '/keys', NEW_KEY)
    assert.deepEqual([refused.status, refused.json.error.data.code], [403, 'identity.insufficient_scope'])
    const challenge = String(refused.headers['www-authenticate'])
    assert.ok(challenge.includes('error="insufficient_scope"') && challenge.includes('scope="admin:write"'), challenge)
    const { keys } = (await admin(token)).json as { keys: readonly { name: string }[] }
    assert.ok(!keys.some(({ name }) => name === NEW_KEY.name), 'nothing was made')
  })

  it('may change and look with admin:write', async () => {
    const token = await tokenFor('alice', 'admin:write')
    const made = await admin(token, 'POST', '/keys', NEW_KEY)
    assert.equal(made.status, 201, made.text)
    assert.equal((await admin(token)).status, 200)
  })

  it('do not end the consent that they stem from, but any other', async () => {
    const [first, second] = [await tokenFor('alice', 'admin:write'), await tokenFor('alice', 'admin:write')]
    const own = String(claimsOf(second)['grant'])
    const other = String(claimsOf(first)['grant'])
    assert.notEqual(own, other)
    assert.equal((await admin(second, 'DELETE', `/grants/${own}`)).status, 409)
    assert.equal((await admin(second, 'DELETE', `/grants/${other}`)).status, 200)
    assert.deepEqual([(await admin(first)).status, (await admin(second)).status], [401, 200])
  })

  it('are of no use without the scope, without the role, and at any other path', async () => {
    const none = await tokenFor('alice', 'mcp')
    assert.equal(claimsOf(none)['scope'], undefined, 'a scope of the servers means nothing here')
    assert.deepEqual([(await admin(none)).status, (await admin(none, 'POST', '/keys', NEW_KEY)).status], [403, 403])
    const bob = await tokenFor('bob', 'admin:write')
    assert.equal((await admin(bob)).status, 404)
    const token = await tokenFor('alice', 'admin:write')
    const calls = upstream.count()
    for (const url of [gateway.endpoint('one'), `${gateway.origin}/mcp`])
      assert.equal((await callTool(gateway, 'echo', {}, { token, url })).status, 401)
    assert.equal(upstream.count(), calls)
  })

  it('are no tokens of the servers, whatever scope was asked for', async () => {
    for (const place of [gateway.endpoint('one'), `${gateway.origin}/mcp`]) {
      const token = await tokenFor('alice', 'mcp admin:write', place)
      assert.equal(claimsOf(token)['scope'], 'mcp')
      assert.equal((await admin(token)).status, 401)
    }
  })

  it('leave API keys as they are: they have no scopes and need none', async () => {
    assert.equal((await admin(gateway.token)).status, 200)
  })
})

describe('audiences by path', { timeout: 60_000 }, () => {
  it('make a token good where its audience is listed, and nowhere else', async (t) => {
    const issuing = await startIssuing({
      issuer: {
        audiences: {
          upstreams: { one: ['api://one', 'api://both'] },
          aggregate: ['api://both'],
          administration: ['api://admin'],
        },
      },
    })
    t.after(() => issuing.close())
    const { gateway, upstream } = issuing
    const places = {
      one: gateway.endpoint('one'),
      two: gateway.endpoint('two'),
      all: `${gateway.origin}/mcp`,
    }
    const opens = async (aud: unknown): Promise<readonly string[]> => {
      const token = await issuing.token({ aud, scope: 'admin:read' })
      const open: string[] = []
      for (const [name, url] of Object.entries(places)) {
        const tool = name === 'all' ? 'one__echo' : 'echo'
        const earlier = upstream.count()
        const { status } = await callTool(gateway, tool, {}, { token, url })
        assert.equal(upstream.count(), status === 200 ? earlier + 1 : earlier, name)
        if (status === 200) open.push(name)
        else assert.equal(status, 401, name)
      }
      const reply = await send(gateway, undefined, {
        method: 'GET',
        token,
        url: `${gateway.origin}/admin/v1/upstreams`,
      })
      return reply.status === 200 ? [...open, 'admin'] : open
    }
    assert.deepEqual(await opens('api://one'), ['one'])
    assert.deepEqual(await opens('api://both'), ['one', 'all'])
    assert.deepEqual(await opens(['api://one', 'api://admin']), ['one', 'admin'])
    assert.deepEqual(await opens(places.two), ['two'], 'a path that is left out takes its own identifier')
    assert.deepEqual(
      await opens([places.one, places.all, `${gateway.origin}/admin`]),
      [],
      'and one that is listed does not',
    )
    for (const none of ['api://other', '', [], undefined, 7, 'API://ONE']) assert.deepEqual(await opens(none), [])
  })
})
