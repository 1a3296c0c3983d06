/** ID-4: the embedded authorization server over time and in its surroundings: restarts, new keys, guards, configuration. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadTokenKeys } from '../../src/pki/token-keys.ts'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { authorizeUrl, refresh, type SignInGateway, startSignIn, tokensOf } from '../fixtures/sign-in.ts'

type Context = { after(end: () => Promise<void> | void): void }

async function upstreamFor(t: Context): Promise<CountingUpstream> {
  const upstream = await startCounting()
  t.after(() => upstream.close())
  return upstream
}

const echo = (gateway: SignInGateway, token: string) => callTool(gateway, 'echo', { text: 'x' }, { token })

function folderFor(t: Context): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-restart-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('tokens and consents survive a restart, what was revoked stays so, and a new key takes over', async (t) => {
  const upstream = await upstreamFor(t)
  const folder = folderFor(t)
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  const options = {
    upstreams: [{ name: 'one', url: upstream.url }],
    folder,
    config: { listen: { port } },
    server: { keyDays: 1 },
  }
  const first = await startSignIn(options)
  await first.person('alice')
  const { id } = await first.client()
  const [kept, ended] = [await tokensOf(first, id, 'alice'), await tokensOf(first, id, 'alice')]
  await first.tell('/revoke', { token: ended.refresh_token, client_id: id })
  await first.close()

  const keyFile = join(folder, 'state', 'tokens.key')
  assert.equal(statSync(keyFile).mode & 0o777, 0o600)
  loadTokenKeys(keyFile, Date.now() + 2 * 86_400_000, { rotateMs: 86_400_000 })

  const second = await startSignIn(options)
  t.after(() => second.close())
  assert.equal((await echo(second, kept.access_token)).status, 200, 'the key before is still believed')
  assert.equal((await echo(second, ended.access_token)).status, 401)
  const again = await refresh(second, id, kept.refresh_token)
  assert.equal(again.status, 200, again.text)
  const kid = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as object
  assert.notDeepEqual(kid(again.json.access_token as string), kid(kept.access_token))
  const { keys } = JSON.parse((await second.browser().get('/auth/jwks')).text) as { keys: object[] }
  assert.equal(keys.length, 2)
  assert.ok(!JSON.stringify(keys).includes('"d"'))
})

test('no code, token, session or secret lies in the store as it is', async (t) => {
  const upstream = await upstreamFor(t)
  const gateway = await startSignIn({ upstreams: [{ name: 'one', url: upstream.url }] })
  t.after(() => gateway.close())
  await gateway.person('alice')
  const robot = await gateway.client({ proof: { kind: 'secret' }, roles: ['admin'], redirects: [] })
  const { id } = await gateway.client()
  const tokens = await tokensOf(gateway, id, 'alice')
  const browser = gateway.browser()
  const { url } = await browser.get(authorizeUrl(gateway, id))
  const device = await gateway.client({ device: true, redirects: [] })
  const asked = (await gateway.tell('/device/authorize', { client_id: device.id })).json as Record<string, string>
  const stored = ['store.sqlite', 'store.sqlite-wal']
    .map((name) => readFileSync(join(gateway.stateFolder, name), 'latin1'))
    .join('')
  const interaction = url.slice(url.lastIndexOf('/') + 1)
  const secrets = [
    tokens.access_token,
    tokens.refresh_token,
    robot.secret,
    asked['device_code'],
    asked['user_code'],
    interaction,
  ]
  for (const secret of [...secrets, 'correct horse']) {
    assert.ok(secret !== undefined && secret.length > 5)
    assert.ok(!stored.includes(secret), secret)
  }
  assert.ok(stored.includes(id), 'the file that was looked at is the right one')
})

test('what is over is swept', async (t) => {
  const gateway = await startSignIn()
  t.after(() => gateway.close())
  const stores = await openSqliteStores({ path: join(gateway.stateFolder, 'store.sqlite') })
  t.after(() => stores.close())
  await stores.grants.put({ kind: 'Session', digest: 'x', payload: '{}', expiresAt: Date.now() - 1 })
  assert.equal(await stores.grants.sweep(Date.now()), 1)
})

test('the guards of the gateway stand before the pages too', async (t) => {
  const blocked = await startSignIn({ config: { traffic: { blocked: ['127.0.0.0/8'] } } })
  t.after(() => blocked.close())
  for (const path of ['/auth/authorize', '/auth/jwks', '/.well-known/oauth-authorization-server/auth'])
    assert.equal((await blocked.browser().get(path)).status, 403)
  const perAddress = { permits: 1, perSeconds: 3600, burst: 3 }
  const limited = await startSignIn({ config: { traffic: { rate: { perAddress } } } })
  t.after(() => limited.close())
  const statuses: number[] = []
  for (let more = 0; more < 6; more++) statuses.push((await limited.browser().get('/auth/jwks')).status)
  assert.deepEqual(statuses.slice(-3), [429, 429, 429])
})

test('without configuration there is no server, no path of it and no trace of it in the metadata', async (t) => {
  const upstream = await upstreamFor(t)
  const gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }] })
  t.after(() => gateway.close())
  for (const path of ['/auth/authorize', '/auth/token', '/auth/jwks', '/.well-known/oauth-authorization-server/auth']) {
    const reply = await callTool(gateway, 'echo', {}, { url: gateway.origin + path })
    assert.equal(reply.status, 404, path)
  }
  assert.throws(() => statSync(join(gateway.stateFolder, 'tokens.key')))
})

test('the configured times are those of tokens, consents and sign-ins', async (t) => {
  const upstream = await upstreamFor(t)
  const gateway = await startSignIn({
    upstreams: [{ name: 'one', url: upstream.url }],
    server: { accessTokenSeconds: 30, refreshIdleSeconds: 60, consentSeconds: 60, sessionSeconds: 60 },
  })
  t.after(() => gateway.close())
  await gateway.person('alice')
  const { id } = await gateway.client()
  const tokens = await tokensOf(gateway, id, 'alice')
  assert.equal(tokens.expires_in, 30)
  const stores = await openSqliteStores({ path: join(gateway.stateFolder, 'store.sqlite') })
  t.after(() => stores.close())
  assert.ok((await stores.grants.sweep(Date.now() + 62_000)) >= 4)
  assert.equal((await refresh(gateway, id, tokens.refresh_token)).json.error, 'invalid_grant')
})

test('a client that registers itself is held to the rules, and there are no more of them than configured', async (t) => {
  const gateway = await startSignIn({ server: { registration: { maxClients: 1 } } })
  t.after(() => gateway.close())
  const register = (document: object) => post(gateway, document)
  const sound = {
    client_name: 'Mine',
    redirect_uris: ['http://127.0.0.1:1/'],
    grant_types: ['client_credentials', 'authorization_code'],
  }
  for (const change of [
    { redirect_uris: ['http://evil.example/'] },
    { redirect_uris: [] },
    { client_name: undefined },
  ]) {
    const refused = await register({ ...sound, ...change })
    assert.deepEqual([refused.status, refused.json['error']], [400, 'invalid_client_metadata'])
  }
  const made = await register(sound)
  assert.equal(made.status, 201, JSON.stringify(made.json))
  assert.deepEqual(made.json['grant_types'], ['authorization_code'])
  assert.equal(made.json['registration_access_token'], undefined)
  assert.equal((await register(sound)).status, 400)
  assert.equal((await gateway.clients.list('default')).length, 1)
  const records = gateway.records().filter(({ what }) => what === 'client.registered')
  assert.equal(records.length, 1)
})

async function post(gateway: SignInGateway, document: object) {
  const { Agent, request } = await import('undici')
  const dispatcher = new Agent({ connect: { ca: readFileSync(gateway.caFile) } })
  const headers = { 'content-type': 'application/json' }
  const answer = await request(`${gateway.issuer}/register`, {
    method: 'POST',
    dispatcher,
    headers,
    body: JSON.stringify(document),
  })
  const json = (await answer.body.json()) as Record<string, unknown>
  await dispatcher.destroy()
  return { status: answer.statusCode, json }
}

test('behind a proxy that speaks TLS, addresses and cookies are those of the public name', async (t) => {
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  const listen = { port, plaintext: 'loopback-only', publicUrl: 'https://gateway.example' }
  const gateway = await startTestGateway({ upstreams: [], config: { listen, identity: { server: {} } } })
  t.after(() => gateway.close())
  const at = async (path: string, host: string) => {
    const { request } = await import('undici')
    const headers = { host, 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' }
    const answer = await request(`http://127.0.0.1:${port}${path}`, { headers })
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
  }
  const metadata = await at('/.well-known/oauth-authorization-server/auth', 'gateway.example')
  assert.equal(metadata.status, 200, metadata.text)
  assert.equal(
    (JSON.parse(metadata.text) as Record<string, unknown>)['token_endpoint'],
    'https://gateway.example/auth/token',
  )
  const device = await at('/auth/device', 'gateway.example')
  assert.match(String(device.headers['set-cookie']), /^__Host-portcullis_session=.*secure/)
  assert.equal((await at('/auth/device', 'evil.example')).status, 403)
})
