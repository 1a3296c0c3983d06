/** ID-4: the official SDK client signs in at the embedded authorization server without a special case. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { callTool, modern, send, stream } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { scriptedClient } from '../fixtures/scripted-client.ts'
import { refresh, type SignInGateway, startSignIn, tokensOf } from '../fixtures/sign-in.ts'

let upstream: CountingUpstream
let gateway: SignInGateway

before(async () => {
  upstream = await startCounting()
  gateway = await startSignIn({
    upstreams: ['one', 'two'].map((name) => ({ name, url: upstream.url })),
    server: { registration: {} },
  })
  await gateway.person('alice')
  await gateway.person('guest', ['user'])
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<string, unknown>
const echo = (token: string, url = gateway.endpoint('one')) => callTool(gateway, 'echo', { text: 'x' }, { token, url })

for (const [title, clientId] of [
  ['a client that an operator has added', async () => (await gateway.client()).id],
  ['a client that registers itself', async () => undefined],
] as const) {
  test(`${title} goes from 401 to a call, refreshes, and ends with its revocation`, async (t) => {
    const scripted = scriptedClient(gateway, 'alice', await clientId())
    t.after(() => scripted.close())
    await scripted.connect()
    const { tools } = await scripted.client.listTools()
    assert.ok(tools.some(({ name }) => name === 'echo'))
    const earlier = upstream.count()
    await scripted.client.callTool({ name: 'echo', arguments: { text: 'hello' } })
    assert.equal(upstream.count(), earlier + 1)
    const first = scripted.kept.tokens
    assert.ok(first)
    assert.equal(claimsOf(first.access_token)['aud'], gateway.endpoint('one'))

    scripted.kept.tokens = { ...first, access_token: 'spoilt' }
    await scripted.client.listTools()
    const second = scripted.kept.tokens
    assert.notEqual(second.refresh_token, first.refresh_token)
    assert.equal(scripted.opened.length, 1, 'nobody was asked again')

    const id = scripted.kept.clientId ?? ''
    const revoked = await gateway.tell('/revoke', { token: second.refresh_token, client_id: id })
    assert.equal(revoked.status, 200)
    assert.equal((await echo(second.access_token)).status, 401)
    assert.equal((await refresh(gateway, id, second.refresh_token)).json.error, 'invalid_grant')
  })
}

test('the token says who, where, as what and for which resource, and is short-lived', async () => {
  const { id } = await gateway.client()
  const tokens = await tokensOf(gateway, id, 'guest')
  const header = JSON.parse(Buffer.from(tokens.access_token.split('.')[0] ?? '', 'base64url').toString()) as object
  const { sub, jti, grant, iat, exp, auth_time: at, ...claims } = claimsOf(tokens.access_token)
  assert.partialDeepStrictEqual(header, { alg: 'ES256', typ: 'at+jwt' })
  assert.deepEqual(claims, {
    iss: gateway.issuer,
    aud: gateway.endpoint('one'),
    client_id: id,
    tenant: 'default',
    roles: ['user'],
    amr: ['pwd'],
    scope: 'mcp',
  })
  for (const text of [sub, jti, grant]) assert.match(String(text), /^[\w-]{20,}$/)
  assert.equal(Number(exp) - Number(iat), 300)
  assert.ok(Number(at) <= Number(iat))
})

test('a token for one upstream opens no other, and its roles are those of the policy', async () => {
  const { id } = await gateway.client()
  const admin = await tokensOf(gateway, id, 'alice')
  const earlier = upstream.count()
  assert.equal((await echo(admin.access_token, gateway.endpoint('two'))).status, 401)
  assert.equal((await echo(admin.access_token, `${gateway.origin}/mcp`)).status, 401)
  const guest = await tokensOf(gateway, id, 'guest')
  assert.equal((await echo(guest.access_token)).json.error.code, -32602)
  assert.equal(upstream.count(), earlier)
  assert.equal((await echo(admin.access_token)).status, 200)
})

test('the aggregate is a resource of its own', async () => {
  const { id } = await gateway.client()
  const resource = `${gateway.origin}/mcp`
  const tokens = await tokensOf(gateway, id, 'alice', { resource })
  assert.equal(claimsOf(tokens.access_token)['aud'], resource)
  const listed = modern('tools/list')
  assert.equal(
    (await send(gateway, listed.body, { url: resource, token: tokens.access_token, headers: listed.headers })).status,
    200,
  )
})

test('metadata are at every form that clients try, and name this issuer alone', async () => {
  const at = async (path: string) => (await gateway.browser().get(path)).text
  const documents = await Promise.all(
    [
      '/.well-known/oauth-authorization-server/auth',
      '/.well-known/openid-configuration/auth',
      '/auth/.well-known/openid-configuration',
    ].map(at),
  )
  for (const text of documents) {
    const document = JSON.parse(text) as Record<string, unknown>
    assert.equal(document['issuer'], gateway.issuer)
    assert.deepEqual(document['code_challenge_methods_supported'], ['S256'])
    assert.deepEqual(document['response_types_supported'], ['code'])
    assert.equal(document['authorization_response_iss_parameter_supported'], true)
    for (const [name, url] of Object.entries(document))
      if (name.endsWith('_endpoint')) assert.ok(String(url).startsWith(`${gateway.issuer}/`), name)
  }
  const resource = JSON.parse(await at('/.well-known/oauth-protected-resource/mcp/one')) as Record<string, unknown>
  assert.deepEqual(resource['authorization_servers'], [gateway.issuer])
})

test('what a Host header says does not get into the metadata', async () => {
  const { port } = new URL(gateway.origin)
  const reply = await send(gateway, undefined, {
    method: 'GET',
    url: `${gateway.origin}/.well-known/oauth-authorization-server/auth`,
    token: null,
    headers: { host: `localhost:${port}`, 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' },
  })
  assert.equal(reply.json.authorization_endpoint, `${gateway.issuer}/authorize`)
  assert.ok(!reply.text.includes('evil.example'))
})

test('introspection tells a client about its own tokens only, and of an ended one only that it is not active', async () => {
  const robot = { proof: { kind: 'secret' }, roles: ['admin'], redirects: [] } as const
  const [mine, other] = [await gateway.client(robot), await gateway.client(robot)]
  const basic = ({ id, secret }: { id: string; secret?: string }) => ({
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  })
  const form = { grant_type: 'client_credentials', resource: gateway.endpoint('one') }
  const token = (await gateway.tell('/token', form, basic(mine))).json.access_token as string
  const asked = await gateway.tell('/introspect', { token }, basic(mine))
  assert.partialDeepStrictEqual(asked.json, {
    active: true,
    client_id: mine.id,
    aud: gateway.endpoint('one'),
    tenant: 'default',
  })
  assert.deepEqual((await gateway.tell('/introspect', { token }, basic(other))).json, { active: false })
  assert.equal((await echo(token)).status, 200)
  await gateway.tell('/revoke', { token }, basic(other))
  assert.equal((await echo(token)).status, 200, 'another client cannot revoke it')
  assert.equal((await gateway.tell('/revoke', { token }, basic(mine))).status, 200)
  assert.deepEqual((await gateway.tell('/introspect', { token }, basic(mine))).json, { active: false })
  assert.equal((await echo(token)).status, 401)
})

for (const [title, end] of [
  ['its revocation', (token: string, id: string) => gateway.tell('/revoke', { token, client_id: id })],
  ['the end of its client', (_token: string, id: string) => gateway.clients.remove('default', id)],
] as const) {
  test(`a token ends with ${title}, and its open stream with it`, async () => {
    const { id } = await gateway.client()
    const { access_token: token, refresh_token: again } = await tokensOf(gateway, id, 'alice')
    const { body, headers } = modern('subscriptions/listen', { notifications: { toolsListChanged: true } })
    const listening = await stream(gateway, body, { token, headers })
    assert.equal(listening.status, 200)
    await listening.until(/subscriptions\/acknowledged/)
    await end(token, id)
    await listening.ended
    assert.equal((await echo(token)).status, 401)
    assert.notEqual((await refresh(gateway, id, again)).status, 200)
  })
}

test('a person who is disabled loses every token and cannot sign in', async () => {
  const person = await gateway.person('leaver')
  const { id } = await gateway.client()
  const tokens = await tokensOf(gateway, id, 'leaver')
  await gateway.accounts.disable(person)
  while ((await echo(tokens.access_token)).status !== 401) await sleep(50)
  assert.equal((await refresh(gateway, id, tokens.refresh_token)).json.error, 'invalid_grant')
  await assert.rejects(tokensOf(gateway, id, 'leaver'))
})

test('a new password ends the sign-ins of the old one, and only those', async () => {
  const person = await gateway.person('changer')
  const { id } = await gateway.client()
  const tokens = await tokensOf(gateway, id, 'changer')
  await gateway.accounts.setPassword(person, 'correct horse battery staple')
  while ((await echo(tokens.access_token)).status !== 401) await sleep(50)
  assert.equal((await echo((await tokensOf(gateway, id, 'changer')).access_token)).status, 200)
})

test('sign-in, consent and each token are on record, and no secret is', async () => {
  const { id } = await gateway.client()
  const tokens = await tokensOf(gateway, id, 'alice')
  const mine = gateway.records().filter((record) => JSON.stringify(record).includes(id))
  assert.deepEqual(
    mine.map(({ what }) => what),
    ['user.signed-in', 'consent.granted', 'token.issued'],
  )
  const everything = JSON.stringify(gateway.records()) + gateway.logged.join('')
  for (const secret of [tokens.access_token, tokens.refresh_token, 'correct horse'])
    assert.ok(!everything.includes(secret))
})
