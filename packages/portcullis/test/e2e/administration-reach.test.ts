/** Where a change of the administration ends: with the credential of its asker, and in the chain of whom it concerns. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { AuditRecord } from '../../src/audit/record.ts'
import { recordsOf } from '../fixtures/audit.ts'
import { callTool, type Reply, send } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/busy-stdio.ts')
type Change = Extract<AuditRecord, { kind: 'change' }>

let upstream: CountingUpstream
let gateway: TestGateway
const tokens = new Map<string, string>()

before(async () => {
  upstream = await startCounting()
  const stdio = { sandbox: { read: [SERVER], memoryMiB: 700 } }
  gateway = await startTestGateway({
    policy: `@id("administrators-may-everything") permit (principal in Role::"admin", action, resource);
permit (principal in Role::"user", action == Action::"connect", resource);`,
    upstreams: [
      { name: 'web', url: upstream.url },
      { name: 'local', command: [process.execPath, SERVER], stdio },
    ],
    config: {
      tenants: { house: { upstreams: [] }, shop: { upstreams: ['web', 'local'] }, lab: { upstreams: ['local'] } },
      administration: { tenant: 'house' },
      identity: { server: {} },
    },
  })
  for (const tenant of ['house', 'shop', 'lab']) tokens.set(tenant, await gateway.issue(['admin'], { tenant }))
})
after(async () => {
  await gateway?.close()
  await upstream.close()
})

type Method = 'GET' | 'POST'
const ask = (who: string, method: Method, path: string, body?: object): Promise<Reply> =>
  send(gateway, method === 'GET' ? undefined : (body ?? {}), {
    ...{ method, url: `${gateway.origin}/admin/v1${path}`, token: tokens.get(who) ?? who },
  })
const changes = (): readonly Change[] =>
  recordsOf(gateway).filter((record): record is Change => record.kind === 'change')

describe('an administrator who is revoked', { timeout: 60_000 }, () => {
  it('gets nothing done that still waited behind the revocation', async () => {
    const stolen = await gateway.issue(['admin'], { tenant: 'shop' })
    const { id = '', principal } = (await gateway.recordOf(stolen)) ?? {}
    const asked = (from: number) =>
      Array.from({ length: 60 }, (_, at) =>
        ask(stolen, 'POST', '/keys', { name: `key ${from + at}`, roles: ['admin'] }),
      )
    const early = asked(0)
    await early[0]
    const revoking = ask('shop', 'POST', `/keys/${id}/revoke`)
    const replies = await Promise.all([...early, ...asked(60)])
    assert.equal((await revoking).status, 200)
    const ofShop = changes().filter(({ tenant }) => tenant === 'shop')
    const end = ofShop.findIndex(({ what }) => what === 'key.revoked')
    assert.deepEqual(
      ofShop.slice(end + 1).filter(({ by }) => by === principal),
      [],
    )
    const made = replies.filter(({ status }) => status === 201)
    assert.equal(ofShop.filter(({ by, what }) => by === principal && what === 'key.created').length, made.length)
    for (const { status, headers } of replies) {
      assert.ok(status === 201 || status === 401, String(status))
      if (status === 401) assert.match(String(headers['www-authenticate']), /^Bearer realm=/)
    }
  })
})

describe('who looks after all tenants', { timeout: 60_000 }, () => {
  it('rotates the key of all of them on the record of none, and names no tenant', async () => {
    const named = await ask('house', 'POST', '/vault/rewrap?tenant=shop')
    assert.equal(named.status, 400, 'it would do something else than what was asked')
    assert.equal((await ask('shop', 'POST', '/vault/rewrap?tenant=shop')).status, 404)
    assert.equal((await ask('house', 'POST', '/vault/rewrap', { renew: true })).status, 200)
    const records = changes().filter(({ what }) => what === 'vault.key-encryption-key-rotated')
    assert.deepEqual(
      records.map(({ tenant, detail }) => [tenant, detail?.['byTenant']]),
      [['@gateway', 'house']],
    )
    assert.match((await ask('house', 'GET', '/audit/gateway?kind=change')).text, /key-encryption-key-rotated/)
  })

  it('sees the processes of the tenant that is named, and of no other', async () => {
    for (const tenant of ['shop', 'lab'])
      await callTool(gateway, 'idle', {}, { token: tokens.get(tenant) as string, url: gateway.endpoint('local') })
    const tenantsIn = async (who: string, query = '') => {
      const { json } = await ask(who, 'GET', `/upstreams/local${query}`)
      return json.processes.map(({ tenant }: { tenant: string }) => tenant)
    }
    assert.deepEqual(await tenantsIn('shop'), ['shop'])
    assert.deepEqual(await tenantsIn('house', '?tenant=shop'), ['shop'])
    assert.deepEqual(await tenantsIn('house', '?tenant=lab'), ['lab'])
  })

  it('finds a suspended tenant at the revision that the record names', async () => {
    await ask('house', 'POST', '/tenants/lab/suspend')
    const { json } = await ask('house', 'GET', '/tenants')
    const lab = json.tenants.find(({ name }: { name: string }) => name === 'lab')
    const [record] = changes().filter(({ what }) => what === 'tenant.suspended')
    assert.equal(lab.revision, record?.detail?.['after'])
  })
})

describe('a client that proves itself by keys', { timeout: 60_000 }, () => {
  const OKP = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
  const BAD: readonly (readonly [what: string, jwks: object])[] = [
    ['private', { keys: [OKP, { ...OKP, d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A' }] }],
    ['symmetric', { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }],
    ['none', { keys: [] }],
    ['no keys', { keys: ['x', null] }],
    ['no set', {}],
  ]
  const client = (jwks: object) => ({ name: 'robot', roles: ['user'], proof: 'keys', jwks })
  for (const [what, jwks] of BAD) {
    it(`is refused with keys that are ${what}`, async () => {
      const reply = await ask('shop', 'POST', '/clients', client(jwks))
      assert.equal(reply.status, 400, reply.text)
      assert.equal((await ask('shop', 'GET', '/clients')).json.clients.length, 0)
    })
  }

  it('is refused with a name that shows something else than it is', async () => {
    for (const name of ['Bank\u202etxt', 'Ba\u200bnk', '\u3164', 'Bank\u2066', '\u2800', 'a\u2028b', 'x\ufe0f']) {
      const reply = await ask('shop', 'POST', '/clients', { ...client({ keys: [OKP] }), name })
      assert.equal(reply.status, 400, JSON.stringify(name))
    }
    assert.equal((await ask('shop', 'GET', '/clients')).json.clients.length, 0)
  })

  it('is made with public ones', async () => {
    assert.equal((await ask('shop', 'POST', '/clients', client({ keys: [OKP] }))).status, 201)
  })
})

describe('a policy without an id', { timeout: 60_000 }, () => {
  it('is named by its file, without the folders of this host', async () => {
    const folder = gateway.stateFolder.replace(/\/state$/, '')
    const asked = [
      await ask('shop', 'GET', '/policies'),
      await ask('shop', 'GET', '/roles'),
      await ask('shop', 'POST', '/policies/check', {
        text: '@id("administrators-may-everything") permit (principal, action, resource);',
      }),
      await ask('shop', 'POST', '/policies/explain', { roles: ['user'], action: 'connect', upstream: 'web' }),
    ]
    for (const { status, text } of asked) assert.ok(status === 200 && !text.includes(folder), text)
    assert.match(asked[2]?.json.problems[0].wrong, /already taken at access\.cedar:1/)
  })
})

describe('a question about a policy', { timeout: 60_000 }, () => {
  it('takes an instant of RFC 3339 and nothing that is read as one', async () => {
    const question = { roles: ['user'], action: 'connect', upstream: 'web' }
    const at = (time: string) => ask('shop', 'POST', '/policies/explain', { ...question, time })
    assert.equal((await at('2026-01-31T12:00:00Z')).status, 200)
    for (const time of ['2026', '1 Jan', '2026-02-30T00:00:00Z']) assert.equal((await at(time)).status, 400, time)
  })
})
