import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { Cancellation } from '../../../src/core/cancellation.ts'
import type { Exchange } from '../../../src/core/exchange.ts'
import { Fault } from '../../../src/core/fault.ts'
import { createAuthorizationServer } from '../../../src/identity/server/authorization-server.ts'
import { ClientLifecycle } from '../../../src/identity/server/client-lifecycle.ts'
import type { Witness } from '../../../src/identity/server/witness.ts'
import { openMemoryStores } from '../../../src/stores/memory/open.ts'

const ISSUER = 'https://gateway.example/auth'
const RESOURCE = 'https://gateway.example/mcp'

async function started(changes: Partial<Witness> = {}) {
  const { accounts, clients, grants } = openMemoryStores()
  const clock = { now: () => Date.now() }
  const told: string[] = []
  const revoked: string[] = []
  const witness: Witness = {
    changed: async (_tenant, what) => void told.push(what),
    refused: async (_exchange, code) => void told.push(code),
    failed: (_exchange, error) => void told.push(`failed: ${String(error)}`),
    ...changes,
  }
  const revocations = { revoke: async ({ id }: { id: string }) => void revoked.push(id) }
  const jwk = {
    ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
    kid: 'k',
    alg: 'ES256',
    use: 'sig',
  }
  const server = await createAuthorizationServer({
    issuer: ISSUER,
    resources: new Map([[RESOURCE, 'All']]),
    scopes: new Map([['mcp', 'Use it']]),
    lifetimes: { accessToken: 300, refreshIdle: 600, grant: 600, session: 600 },
    keys: { signing: [jwk], cookies: 'x'.repeat(43), nonces: Buffer.alloc(32, 1) },
    documents: { hosts: [], fetch: () => Promise.reject(new Error('nothing is fetched here')) },
    ...{ accounts, clients, grants, revocations, clock, witness, methods: [] },
  })
  const lifecycle = new ClientLifecycle({ clients, revocations, clock, accessTokenSeconds: 300 })
  const request = {
    tenant: 'acme',
    name: 'Robot',
    redirects: [],
    roles: ['admin'],
    device: false,
    proof: { kind: 'secret' },
  } as const
  const { client, secret } = await lifecycle.add(request)
  const form = { grant_type: 'client_credentials', client_id: client.id, client_secret: secret?.reveal() ?? '' }
  return {
    server,
    told,
    revoked,
    client,
    form,
    ask: (path: string, body: Record<string, string>) => server.serve(exchangeOf(path, body)),
  }
}

function exchangeOf(path: string, form: Record<string, string>): Exchange {
  const body = Buffer.from(new URLSearchParams(form).toString())
  return {
    incident: 'i',
    receivedAt: 0,
    peer: { address: '192.0.2.1', encrypted: true },
    head: {
      method: 'POST',
      path,
      query: '',
      headers: { 'content-type': 'application/x-www-form-urlencoded', host: 'gateway.example' },
    },
    body: { read: () => body },
    outlet: { send: () => {}, open: () => {} },
    departure: new Cancellation(),
  }
}

test('a token is issued, known again, and on record', async () => {
  const { ask, server, form, told, client } = await started()
  const answer = await ask('/auth/token', form)
  assert.equal(answer.status, 200, answer.page)
  const { access_token: token } = JSON.parse(answer.page ?? '') as { access_token: string }
  const { facts, audiences } = await server.verify(token)
  assert.deepEqual(audiences, [RESOURCE])
  assert.partialDeepStrictEqual(facts.principal, {
    id: `client:${client.id}`,
    tenant: 'acme',
    roles: ['admin'],
    scopes: ['mcp'],
  })
  assert.deepEqual(told, ['token.issued'])
})

test('what cannot be recorded is not issued', async () => {
  const { ask, form, told } = await started({ changed: () => Promise.reject(new Fault('audit.unavailable')) })
  const answer = await ask('/auth/token', form)
  assert.equal(answer.status, 500)
  assert.ok(!answer.page?.includes('access_token'))
  assert.ok(told.some((one) => one.startsWith('failed')))
})

test('a refusal that cannot be recorded is answered by the gateway as such', async () => {
  const { ask, form } = await started({ refused: () => Promise.reject(new Fault('audit.unavailable')) })
  await assert.rejects(ask('/auth/token', { ...form, client_secret: 'wrong' }), { code: 'audit.unavailable' })
})

test('after a change of keys old tokens are known for as long as their key is kept, and new ones name the new key', async () => {
  const { ask, server, form } = await started()
  const tokenOf = async () =>
    (JSON.parse((await ask('/auth/token', form)).page ?? '') as { access_token: string }).access_token
  const old = await tokenOf()
  const fresh = {
    ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
    kid: 'n',
    alg: 'ES256',
    use: 'sig',
  }
  await server.renew({ signing: [fresh], cookies: 'x'.repeat(43), nonces: Buffer.alloc(32, 1) })
  await assert.rejects(server.verify(old), { code: 'identity.invalid_token' })
  await server.verify(await tokenOf())
})

for (const [what, path, form] of [
  ['an unknown path', '/auth/nothing', {}],
  ['the path of the mount itself', '/auth/', {}],
  ['userinfo, which there is not', '/auth/me', {}],
  ['registration, which is off', '/auth/register', {}],
] as const) {
  test(`${what} is not found`, async () => {
    assert.equal((await (await started()).ask(path, form)).status, 404)
  })
}

test('it takes its own paths and no others', async () => {
  const { server } = await started()
  for (const path of ['/auth/token', '/auth/x/y', '/.well-known/openid-configuration/auth'])
    assert.equal(server.takes(path), true)
  for (const path of [
    '/auth',
    '/authx',
    '/mcp',
    '/',
    '/.well-known/openid-configuration',
    '/AUTH/token',
    '/auth%2ftoken',
  ])
    assert.equal(server.takes(path), false)
})
