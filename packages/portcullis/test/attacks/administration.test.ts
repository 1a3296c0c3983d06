/**
 * Every route of the administration, as its own table lists them, asked by everybody who may not: without a credential, with
 * every role, by the administrator of another tenant, with a credential for some upstreams only. A refusal says what the
 * caller may know, changes nothing, and the same request by whoever may is done.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { join } from 'node:path'
import { ADMIN_ROUTES } from '../../src/admin/routes.ts'
import type { AdminRoute } from '../../src/admin/route.ts'
import { systemClock } from '../../src/core/clock.ts'
import { ADMIN_ROLES, type AdminRole } from '../../src/gateway/administrators.ts'
import { LocalAuthority } from '../../src/pki/authority/local-authority.ts'
import { makeRequest } from '../../src/pki/authority/request.ts'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'
import type { Stores } from '../../src/stores/stores.ts'
import { recordsOf } from '../fixtures/audit.ts'
import { openSession, type Reply, send } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const { request: REQUEST } = await makeRequest()
const TENANTS = ['mine', 'other', 'house', 'spare']
const BODIES: Readonly<Record<string, (at: number) => object>> = {
  createKey: () => ({ name: 'made', roles: ['user'] }),
  rotateKey: () => ({ overlapSeconds: 60 }),
  inviteUser: (at) => ({ name: `made-${at}`, roles: ['user'] }),
  setUserRoles: () => ({ roles: ['user', 'operator'] }),
  createClient: () => ({ name: 'made', redirects: ['http://127.0.0.1/callback'] }),
  addRevocation: (at) => ({ kind: 'token', id: `jti-${at}` }),
  checkPolicies: () => ({ text: 'permit (principal, action, resource);' }),
  explainPolicy: () => ({ roles: ['user'], action: 'connect', upstream: 'one' }),
  shredTenant: () => ({ confirm: 'mine' }),
  depositCredential: () => ({ value: 'a secret' }),
  addLink: (at) => ({ provider: 'acme', subject: `added-${at}` }),
  removeLink: (at) => ({ provider: 'acme', subject: `seed${at}` }),
  addBlock: (at) => ({ kind: 'principal', value: `key:${at}`, reason: 'r' }),
  removeBlock: (at) => ({ kind: 'principal', value: `key:${at}` }),
  issueCertificate: () => ({ use: 'client', names: ['a.example'], request: REQUEST }),
  renewCertificate: () => ({ request: REQUEST }),
  setHold: () => ({ reason: 'law' }),
  liftHold: () => ({ reason: 'law' }),
  recordBackup: () => ({
    ...{ id: '0123456789abcdef', manifest: 'a'.repeat(64), folder: '/backups/1', bytes: 1, privateKeys: false },
  }),
}

/** What they are about is not there, or not configured; that they do it is proven where it is. */
const DONE_ELSEWHERE: ReadonlyMap<string, number> = new Map([
  ['readSubject', 404],
  ['releaseSubject', 404],
  ['releaseNetwork', 404],
  ['readPayloads', 404],
  ['testExporter', 404],
  ['makeBackup', 409],
  // No rule of a certificate is there, so no name is the tenant's.
  ['issueCertificate', 400],
  ['renewCertificate', 400],
])
/** Whoever names something first has made it. */
const MADE_BY_NAME: ReadonlySet<string> = new Set(['setHold'])

const PROVIDER = {
  ...{ name: 'acme', title: 'Acme', issuer: 'https://acme.example', clientId: 'us' },
  clientSecret: { env: 'ACME_SECRET' },
  tenant: 'mine',
}

let upstream: CountingUpstream
let gateway: TestGateway
let stores: Stores
let seeded = 0
const tokens = new Map<string, string>()

before(async () => {
  upstream = await startCounting()
  const builtin = ['administrator', 'operator', 'auditor', 'user']
  const every = Object.fromEntries(TENANTS.map((name) => [name, { upstreams: ['one', 'mail'] }]))
  gateway = await startTestGateway({
    upstreams: [
      { name: 'one', url: upstream.url },
      { name: 'mail', url: upstream.url, http: { vault: { of: 'principal' } } },
    ],
    environment: { ACME_SECRET: 'x' },
    policy: 'permit (principal in Role::"admin", action, resource);',
    config: {
      tenants: every,
      administration: { tenant: 'house' },
      identity: { server: { providers: [PROVIDER] } },
      policy: { files: ['access.cedar'], roles: ['admin'], builtin },
    },
  })
  stores = await openSqliteStores({ path: join(gateway.stateFolder, 'store.sqlite') })
  for (const role of [...ADMIN_ROLES, 'user']) tokens.set(role, await gateway.issue([role], { tenant: 'mine' }))
  for (const tenant of ['other', 'house', 'spare'])
    tokens.set(tenant, await gateway.issue(['administrator'], { tenant }))
  tokens.set('limited', await gateway.issue(['administrator'], { tenant: 'mine', upstreams: ['one'] }))
})
after(async () => {
  await stores?.close()
  await gateway?.close()
  await upstream.close()
})

interface Asked {
  readonly method: string
  readonly path: string
  readonly body: object | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** A request that would be done, about things of the tenant `mine` that are there. */
async function prepare(route: AdminRoute): Promise<Asked> {
  const at = ++seeded
  const names: Record<string, string> = {
    id: await idFor(route, at),
    name: await nameFor(route, at),
    upstream: route.path.startsWith('/definitions/') ? 'one' : 'mail',
    kind: 'static',
    incident: `incident-${at}`,
  }
  if (route.name === 'removeBlock')
    await ask('administrator', { method: 'POST', path: '/blocks', body: BODIES['addBlock']?.(at), headers: {} })
  if (route.name === 'liftHold')
    await ask('auditor', { method: 'PUT', path: `/audit/holds/${names['name']}`, body: { reason: 'law' }, headers: {} })
  if (route.name === 'removeCredential')
    await ask('administrator', { method: 'PUT', path: '/credentials/mail', body: { value: 'x' }, headers: {} })
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? ''))
  const headers: Record<string, string> = {}
  if (route.ifMatch === 'needed') {
    const read = await ask('administrator', {
      method: 'GET',
      path: path.replace(/\/[a-z]+$/, ''),
      body: undefined,
      headers,
    })
    headers['if-match'] = String(read.headers['etag'])
  }
  const body = route.method === 'GET' || route.method === 'DELETE' ? undefined : (BODIES[route.name]?.(at) ?? {})
  if (route.name === 'approveDefinitions') return { method: route.method, path, body: await waiting(), headers }
  return { method: route.method, path, body, headers }
}

/** What can be approved: all that the upstream has said so far. */
async function waiting(): Promise<object> {
  const { json } = await ask('house', { method: 'GET', path: '/definitions', body: undefined, headers: {} })
  const shown = json.definitions.filter(({ upstream: of }: { upstream: string }) => of === 'one')
  return { items: shown.map(({ item, digest }: { item: string; digest: string }) => ({ item, digest })) }
}

async function idFor({ path }: AdminRoute, at: number): Promise<string> {
  const seed = `seed${at}`
  if (path.startsWith('/keys/')) {
    const token = await gateway.issue(['user'], { tenant: 'mine' })
    return (await gateway.recordOf(token))?.id ?? ''
  }
  if (path.startsWith('/certificates/')) {
    const authority = await LocalAuthority.open({ folder: join(gateway.stateFolder, 'authority'), clock: systemClock })
    const wish = {
      tenant: 'mine',
      use: 'client',
      names: ['a.example'],
      lifeMs: 1e9,
      request: REQUEST,
      by: 'test',
    } as const
    return (await authority.issue(wish, async () => {})).issued.serial
  }
  if (path.startsWith('/clients/')) {
    const client = {
      id: seed,
      tenant: 'mine',
      name: seed,
      metadata: '{}',
      roles: [],
      origin: 'operator',
      createdAt: at,
    }
    await stores.clients.insert({ ...client, origin: 'operator', secretDigest: 'x' })
    return seed
  }
  if (path.startsWith('/grants/')) {
    await stores.accounts.insert({ id: seed, tenant: 'mine', name: seed, roles: ['user'], createdAt: at })
    const digest = seed.padEnd(43, '_')
    await stores.grants.put({ kind: 'Grant', digest, payload: '{}', expiresAt: Date.now() + 1e6, account: seed })
    return digest.slice(0, 32)
  }
  if (path.startsWith('/sessions/')) {
    await openSession(gateway, { token: tokens.get('user') as string, url: gateway.endpoint('one') })
    const listed = await ask('administrator', { method: 'GET', path: '/sessions', body: undefined, headers: {} })
    return listed.json.sessions.at(-1).id
  }
  if (path.startsWith('/users/')) {
    const of = { account: `id-${at}`, tenant: 'mine', createdAt: at }
    await stores.accountLinks.add({ ...of, issuer: PROVIDER.issuer, subject: seed, origin: 'operator' })
    const key = { publicKey: 'x', counter: 0, transports: [], synced: false, label: 'x' }
    await stores.passkeys.add({ ...of, ...key, id: seed }, 10)
  }
  return seed
}

async function nameFor({ path }: AdminRoute, at: number): Promise<string> {
  if (path.startsWith('/tenants/')) return 'spare'
  if (path.startsWith('/upstreams/')) return 'one'
  const name = `person-${at}`
  if (path.startsWith('/users/'))
    await stores.accounts.insert({
      id: `id-${at}`,
      tenant: 'mine',
      name,
      roles: ['user'],
      createdAt: at,
      totp: 'sealed',
    })
  return name
}

const ask = (who: string | null, { method, path, body, headers }: Asked, tenant = ''): Promise<Reply> =>
  send(gateway, body, {
    method,
    url: `${gateway.origin}/admin/v1${path}${tenant}`,
    token: who === null ? null : (tokens.get(who) as string),
    headers,
  })

/** Everything that a request could have changed. */
async function everything(): Promise<string> {
  const perTenant = await Promise.all(
    TENANTS.map(async (tenant) => {
      const accounts = await stores.accounts.list(tenant)
      return [
        (await stores.apiKeys.list(tenant)).map(({ lastUsedAt: _used, ...key }) => key),
        // What is sealed is sealed anew in the background after a rotation; the value stays.
        accounts.map(({ totp, ...account }) => ({ ...account, hasTotp: totp !== undefined })),
        ...[await stores.clients.list(tenant), await stores.credentials.list(tenant)],
        await stores.dataKeys.ofTenant(tenant),
        await stores.grants.ofAccounts(accounts.map(({ id }) => id)),
        await Promise.all(accounts.map(({ id }) => stores.passkeys.ofAccount(id))),
        await Promise.all(accounts.map(({ id }) => stores.accountLinks.ofAccount(id))),
      ]
    }),
  )
  const sessions = await ask('administrator', { method: 'GET', path: '/sessions', body: undefined, headers: {} })
  const shown = sessions.json.sessions.map(({ id }: { id: string }) => id)
  const changes = recordsOf(gateway).filter(({ kind }) => kind === 'change').length
  return JSON.stringify([perTenant, await stores.revocations.since(0, 10_000), shown, changes])
}

/** The same once nothing changes any more: rotations go on after their answer. */
async function settled(): Promise<string> {
  for (;;) {
    const found = await everything()
    await setTimeout(20)
    if (found === (await everything())) return found
  }
}

const isGateway = ({ reach }: AdminRoute): boolean => reach === 'gateway'
const codeOf = ({ json }: Reply): unknown => json?.error?.data?.code

describe('the administration', () => {
  for (const route of ADMIN_ROUTES) {
    it(`refuses ${route.method} ${route.path} to whoever may not, and does it for whoever may`, async () => {
      const asked = await prepare(route)
      const unchanged = await settled()

      const nobody = await ask(null, asked)
      assert.equal(nobody.status, 401)
      const user = await ask('user', asked)
      assert.deepEqual([user.status, codeOf(user)], [404, 'transport.not_found'])
      assert.equal((await ask('user', asked, '?tenant=house')).status, 404)
      for (const role of ADMIN_ROLES) if (!route.may.includes(role)) await refused(role, asked, 403)
      if (route.name !== 'listUpstreams') await refused('limited', asked, 403)
      if (isGateway(route))
        for (const role of ADMIN_ROLES) await refused(role, asked, route.may.includes(role) ? 404 : 403)
      for (const tenant of ['?tenant=mine', '?tenant=nowhere']) {
        const foreign = await ask('other', asked, tenant)
        const told = route.may.includes('administrator') ? [404, 'transport.not_found'] : [403, 'policy.denied']
        assert.deepEqual([foreign.status, codeOf(foreign)], told, tenant)
      }
      if (/\{(id|name)\}/.test(route.path) && !route.path.startsWith('/upstreams') && !MADE_BY_NAME.has(route.name)) {
        const own = await ask('other', asked)
        assert.equal(
          own.status,
          route.may.includes('administrator') ? 404 : 403,
          'a thing of another tenant is there for nobody else',
        )
      }
      assert.equal(await everything(), unchanged)

      const doer = isGateway(route) ? 'house' : route.may[0]
      const done = await ask(doer as AdminRole | 'house', asked)
      assert.equal(done.status, DONE_ELSEWHERE.get(route.name) ?? route.status, done.text)
    })
  }

  it('has nothing else below its path, in any method', async () => {
    for (const path of ['', '/', '/nothing', '/keys/', '/keys/a/b', '/%6beys', '/KEYS', '/keys;a=b', '/openapi.yaml']) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH']) {
        const body = method === 'GET' || method === 'DELETE' ? undefined : {}
        const reply = await ask('administrator', { method, path, body, headers: {} })
        assert.equal(reply.status, 404, `${method} ${path}`)
        assert.equal((await ask(null, { method, path, body, headers: {} })).status, 401)
      }
    }
    const wrong = await ask('administrator', { method: 'PATCH', path: '/keys', body: {}, headers: {} })
    assert.deepEqual([wrong.status, wrong.headers['allow']], [405, 'GET, POST'])
  })

  const STRANGE: readonly (readonly [what: string, headers: Record<string, string>, body: string, status: number])[] = [
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'name=x&roles=user', 415],
    ['plain text, as a page can send it', { 'content-type': 'text/plain' }, '{"name":"x","roles":["user"]}', 415],
    ['JSON that is none', {}, '{"name":', 400],
    ['a doubled member', {}, '{"name":"x","name":"y","roles":["user"]}', 400],
    ['a misspelt member', {}, '{"name":"x","roles":["user"],"upstream":["one"]}', 400],
    ['a list', {}, '[]', 400],
    ['a role that is none', {}, '{"name":"x","roles":["root"]}', 400],
    ['no role', {}, '{"name":"x","roles":[]}', 400],
    ['a role of the wrong type', {}, '{"name":"x","roles":"user"}', 400],
    ['a name with a line end', {}, '{"name":"x\\ny","roles":["user"]}', 400],
    ['an upstream of nobody', {}, '{"name":"x","roles":["user"],"upstreams":["two"]}', 400],
    ['a prototype', {}, '{"name":"x","roles":["user"],"__proto__":{}}', 400],
    ['too much', {}, `{"name":"${'x'.repeat(300_000)}","roles":["user"]}`, 413],
    ['the origin of a stranger', { origin: 'https://evil.example' }, '{"name":"x","roles":["user"]}', 403],
    ['a key in a cookie', { authorization: '', cookie: 'token=x' }, '{"name":"x","roles":["user"]}', 401],
  ]
  for (const [what, headers, body, status] of STRANGE) {
    it(`takes no ${what}`, async () => {
      const unchanged = await everything()
      const token = tokens.get('administrator') as string
      const reply = await send(gateway, body, { url: `${gateway.origin}/admin/v1/keys`, token, headers })
      assert.equal(reply.status, status, reply.text)
      assert.ok(!reply.text.includes('evil') && !reply.text.includes('xxxxx'))
      assert.equal(await everything(), unchanged)
    })
  }

  async function refused(who: string, asked: Asked, status: number): Promise<void> {
    const reply = await ask(who, asked)
    assert.equal(reply.status, status, `${who}: ${reply.text}`)
    assert.equal(codeOf(reply), status === 403 ? 'policy.denied' : 'transport.not_found')
  }
})
