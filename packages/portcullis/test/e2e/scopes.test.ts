/** ID-3: scopes that tokens need, step-up, hierarchy, and tokens that are good for one path. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask, callTool, openSession, send } from '../fixtures/client.ts'
import { ECHO } from '../fixtures/counting-upstream.ts'
import { type IssuingGateway, startIssuing } from '../fixtures/issuing-gateway.ts'

let running: IssuingGateway
let all: readonly string[]

before(async () => {
  running = await startIssuing({
    tools: [ECHO, { name: 'write_file' }],
    identity: {
      scopes: {
        files: { includes: ['files:read', 'files:write'] },
        'files:read': { upstreams: ['one'] },
        'files:write': { tools: ['one/write_*'] },
      },
    },
  })
  const { gateway } = running
  all = [gateway.endpoint('one'), gateway.endpoint('two'), `${gateway.origin}/mcp`]
})
after(() => running.close())

const scoped = (scope: string | undefined) => running.token({ aud: all, scope, jti: `${scope}` })
const call = (token: string, name: string, url = running.gateway.endpoint('one')) =>
  callTool(running.gateway, name, {}, { token, url })

function challengeOf(path: string, scope: string): string {
  const metadata = `${running.gateway.origin}/.well-known/oauth-protected-resource${path}`
  return `Bearer realm="mcp", resource_metadata="${metadata}", scope="${scope}", error="insufficient_scope"`
}

test('a message without the scope of its upstream is refused with all that it needs', async () => {
  const { upstream } = running
  const earlier = upstream.count()
  for (const scope of [undefined, '', 'other', 'files:write', 'FILES:READ', 'files:rea', 'files:*']) {
    const token = await scoped(scope)
    const reply = await call(token, 'echo')
    assert.equal(reply.status, 403, scope)
    assert.equal(reply.json.error.data.code, 'identity.insufficient_scope')
    assert.ok(String(reply.headers['www-authenticate']).startsWith(challengeOf('/mcp/one', 'files:read')))
    assert.equal((await ask(running.gateway, 'tools/list', {}, { token })).status, 403)
  }
  assert.equal(upstream.count(), earlier)
})

test('a call steps up: the whole set is told, whatever part of it is there', async () => {
  const { upstream } = running
  const earlier = upstream.count()
  for (const scope of ['files:read', 'files:write', undefined]) {
    const reply = await call(await scoped(scope), 'write_file')
    assert.equal(reply.status, 403)
    const challenge = String(reply.headers['www-authenticate'])
    assert.ok(challenge.startsWith(challengeOf('/mcp/one', 'files:read files:write')), challenge)
  }
  assert.equal(upstream.count(), earlier)
  for (const scope of ['files:read files:write', 'files', 'other files']) {
    assert.equal((await call(await scoped(scope), 'write_file')).status, 200, scope)
  }
})

test('a scope that only a tool demands hides nothing, since a client has to see what to ask for', async () => {
  const { json } = await ask(running.gateway, 'tools/list', {}, { token: await scoped('files:read') })
  assert.deepEqual(
    json.result.tools.map(({ name }: { name: string }) => name),
    ['echo', 'write_file'],
  )
})

test('on the aggregate path the same is demanded, and lists leave out what the scopes do not reach', async () => {
  const { gateway, upstream } = running
  const url = `${gateway.origin}/mcp`
  const none = await scoped(undefined)
  const listed = async (token: string) =>
    (await ask(gateway, 'tools/list', {}, { token, url })).json.result.tools.map(({ name }: { name: string }) => name)
  assert.deepEqual(await listed(none), ['two__echo', 'two__write_file'])
  assert.deepEqual(await listed(await scoped('files:read')), [
    ...['one__echo', 'one__write_file', 'two__echo', 'two__write_file'],
  ])
  const earlier = upstream.count()
  const reply = await call(none, 'one__write_file', url)
  assert.equal(reply.status, 403)
  const challenge = String(reply.headers['www-authenticate'])
  assert.ok(challenge.startsWith(challengeOf('/mcp', 'files:read files:write')), challenge)
  assert.equal(upstream.count(), earlier)
  assert.equal((await call(none, 'two__write_file', url)).status, 200)
})

test('prompts, resources and streams of sessions need what their upstream needs', async () => {
  const { gateway, upstream } = running
  const sending = { token: await scoped(undefined), url: gateway.endpoint('one') }
  for (const [method, params] of [
    ['prompts/get', { name: 'open' }],
    ['resources/read', { uri: 'test://open' }],
    ['prompts/list', {}],
    ['server/discover', {}],
  ] as const) {
    assert.equal((await ask(gateway, method, params, sending)).status, 403, method)
  }
  const good = { ...sending, token: await scoped('files') }
  const headers = await openSession(gateway, good)
  assert.match(headers['mcp-session-id'] ?? '', /^[!-~]{8,}$/)
  for (const method of ['GET', 'DELETE']) {
    const reply = await send(gateway, undefined, { ...sending, method, headers: { ...headers, accept: '*/*' } })
    assert.equal(reply.status, 403, method)
  }
  for (const method of ['prompts/get', 'resources/read', 'prompts/list'])
    assert.equal(upstream.count(method), 0, method)
})

test('API keys have no scopes and need none', async () => {
  assert.equal((await call(running.gateway.token, 'write_file')).status, 200)
})

test('the metadata of each path tell the least that a client begins with', async () => {
  const { gateway } = running
  const scopesAt = async (path: string) =>
    (await send(gateway, undefined, { method: 'GET', url: `${gateway.origin}${path}`, token: null })).json
      .scopes_supported
  const well = '/.well-known/oauth-protected-resource'
  assert.deepEqual(await scopesAt(`${well}/mcp/one`), ['files:read'])
  assert.deepEqual(await scopesAt(`${well}/mcp/two`), undefined)
  assert.deepEqual(await scopesAt(`${well}/mcp`), ['files:read'])
  assert.deepEqual(await scopesAt(well), ['files:read'])
  const reply = await callTool(gateway, 'echo', {}, { token: null, url: gateway.endpoint('one') })
  assert.match(
    String(reply.headers['www-authenticate']),
    /^Bearer realm="mcp", resource_metadata="[^"]+", scope="files:read", DPoP/,
  )
})

test('a token is good for the path that it names and for no other', async () => {
  const { gateway, upstream, token } = running
  const paths = [gateway.endpoint('one'), gateway.endpoint('two'), `${gateway.origin}/mcp`]
  for (const aud of paths) {
    const one = await token({ aud, scope: 'files', jti: aud })
    for (const url of paths) {
      const earlier = upstream.count()
      const { status } = await call(one, url.endsWith('/mcp') ? 'two__echo' : 'echo', url)
      assert.equal(status, url === aud ? 200 : 401, `${aud} at ${url}`)
      assert.equal(upstream.count(), earlier + (url === aud ? 1 : 0))
    }
  }
})

test('an audience that the issuer cannot name by itself can be configured, for all paths', async (t) => {
  const loose = await startIssuing({ issuer: { audiences: ['api://gate'] } })
  t.after(() => loose.close())
  const token = await loose.token({ aud: 'api://gate' })
  for (const name of ['one', 'two']) {
    assert.equal((await loose.echo(token, { url: loose.gateway.endpoint(name) })).status, 200)
  }
  assert.equal((await loose.echo(await loose.token())).status, 401, 'then the resource itself is not enough')
})
