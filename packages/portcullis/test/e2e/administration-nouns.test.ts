/** What administrators, operators and auditors learn of a running gateway, and how far each of them reaches. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { callTool, type Reply, send } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/busy-stdio.ts')
const POLICY = `@id("admins") permit (principal in Role::"admin", action, resource);
@id("users-echo") permit (principal in Role::"user", action, resource == Tool::"web/echo");
`

let upstream: CountingUpstream
let gateway: TestGateway
let auditor: string
let operator: string

before(async () => {
  upstream = await startCounting()
  const policy = { files: ['access.cedar'], roles: ['admin', 'user', 'plain'], builtin: ['operator', 'auditor'] }
  gateway = await startTestGateway({
    upstreams: [
      { name: 'web', url: upstream.url },
      { name: 'mail', url: upstream.url, http: { vault: { of: 'principal' } } },
      { name: 'local', command: [process.execPath, SERVER], stdio: { sandbox: { read: [SERVER], memoryMiB: 700 } } },
    ],
    policy: POLICY,
    config: { policy },
  })
  auditor = await gateway.issue(['auditor'])
  operator = await gateway.issue(['operator'])
})
after(async () => {
  await gateway?.close()
  await upstream.close()
})

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
const ask = (method: Method, path: string, body?: object, token = gateway.token, headers = {}): Promise<Reply> =>
  send(gateway, method === 'GET' || method === 'DELETE' ? undefined : (body ?? {}), {
    ...{ method, token, headers, url: `${gateway.origin}/admin/v1${path}` },
  })

describe('policies', () => {
  it('are listed with their revision and places, without folders of this host', async () => {
    const { json, text } = await ask('GET', '/policies', undefined, auditor)
    assert.match(json.revision, /^[0-9a-f]{64}$/)
    assert.partialDeepStrictEqual(
      json.policies.find(({ id }: { id: string }) => id === 'users-echo'),
      { effect: 'permit', file: 'access.cedar', line: 2 },
    )
    assert.ok(!text.includes(gateway.stateFolder) && !text.includes('/tmp'))
  })

  it('that are candidates get the findings of a check, and change nothing', async () => {
    const { json: earlier } = await ask('GET', '/policies')
    const check = async (text: string, more: object = {}) =>
      (await ask('POST', '/policies/check', { text, ...more }, auditor)).json
    assert.partialDeepStrictEqual(await check('@id("more") forbid (principal in Role::"plain", action, resource);'), {
      valid: true,
      problems: [],
    })
    const wrong = await check('permit (principal in Role::"usr", action, resource);\npermit (principal, action')
    assert.equal(wrong.valid, false)
    assert.deepEqual(
      wrong.problems.map(({ file, line }: { file: string; line: number }) => [file, line]),
      [
        ['candidate.cedar', 1],
        ['candidate.cedar', 2],
      ],
    )
    const twice = await check(POLICY)
    assert.match(twice.problems[0].wrong, /already taken/)
    assert.equal((await check(POLICY, { replaces: 'access.cedar' })).valid, true)
    assert.equal((await ask('POST', '/policies/check', { text: '', replaces: 'other.cedar' })).status, 400)
    assert.equal((await ask('GET', '/policies')).json.revision, earlier.revision)
  })

  it('explain who decides, and what came near', async () => {
    const question = { roles: ['user'], action: 'tools/call', upstream: 'web', target: 'echo' }
    await callTool(gateway, 'echo', {})
    const allowed = await ask('POST', '/policies/explain', question, auditor)
    assert.equal(allowed.json.decision.effect, 'allow')
    assert.deepEqual(
      allowed.json.deciding.map(({ id, file }: { id: string; file: string }) => [id, file]),
      [['users-echo', 'access.cedar']],
    )
    const denied = await ask('POST', '/policies/explain', { ...question, roles: ['plain'] }, auditor)
    assert.equal(denied.json.decision.effect, 'deny')
    assert.match(JSON.stringify(denied.json.nearest), /Role::\\"user\\"/)
    for (const change of [{ roles: ['nobody'] }, { action: 'tools/list' }, { target: undefined }, { time: 'noon' }])
      assert.equal((await ask('POST', '/policies/explain', { ...question, ...change })).status, 400)
  })
})

describe('upstreams', () => {
  it('are restarted by an operator: the process ends with its call, and the next call has another', async () => {
    await callTool(gateway, 'idle', {}, { url: gateway.endpoint('local') })
    const pidOf = async () =>
      (await ask('GET', '/upstreams/local')).json.processes.map(({ pid }: { pid: number }) => pid)
    const first = await pidOf()
    assert.ok(first.length >= 1)
    const restarted = await ask('POST', '/upstreams/local/restart', {}, operator)
    assert.equal(restarted.status, 200, restarted.text)
    assert.ok(restarted.json.ended >= 1)
    await callTool(gateway, 'idle', {}, { url: gateway.endpoint('local') })
    const now = await pidOf()
    assert.ok(now.length >= 1 && now.every((pid: number) => !first.includes(pid)))
  })
})

describe('records', () => {
  it('are read in pages, the newest first, without a gap', async () => {
    for (let at = 0; at < 5; at++) await callTool(gateway, 'echo', {}, { url: gateway.endpoint('web') })
    const seen: number[] = []
    let cursor = ''
    for (;;) {
      const { json } = await ask('GET', `/audit?limit=7&kind=call${cursor}`, undefined, auditor)
      for (const record of json.records) {
        assert.equal(record.kind, 'call')
        seen.push(record.seq)
      }
      if (json.next === undefined) break
      cursor = `&cursor=${json.next}`
    }
    assert.ok(seen.length >= 5)
    assert.deepEqual(
      seen,
      [...new Set(seen)].toSorted((a, b) => b - a),
    )
    for (const bad of [
      'cursor=x',
      'cursor=000000000000001-',
      'limit=0',
      'limit=501',
      'kind=secret',
      'limit=1&limit=2',
      'all=1',
    ])
      assert.equal((await ask('GET', `/audit?${bad}`)).status, 400, bad)
    assert.equal((await ask('GET', '/audit/gateway', undefined, auditor)).status, 200)
  })
})

describe('everything else', () => {
  it('tells which roles there are, who has them, and what gives them anything', async () => {
    const { json } = await ask('GET', '/roles', undefined, auditor)
    const role = (name: string) => json.roles.find((one: { name: string }) => one.name === name)
    assert.partialDeepStrictEqual(role('auditor'), { readyMade: true, administers: ['auditor'], holders: { keys: 1 } })
    assert.partialDeepStrictEqual(role('user'), { administers: [], policies: [{ id: 'users-echo' }] })
    assert.deepEqual(role('plain').policies, [])
  })

  it('tells the limits, and keeps a secret once it is in the vault', async () => {
    assert.equal((await ask('GET', '/limits', undefined, operator)).json.everybody.maxDepth > 0, true)
    const put = await ask('PUT', '/credentials/mail', { principal: 'key:x', value: 'very secret' })
    assert.equal(put.status, 200, put.text)
    const listed = await ask('GET', '/credentials?principal=key:x', undefined, auditor)
    assert.partialDeepStrictEqual(listed.json.credentials, [{ upstream: 'mail', kind: 'static', principal: 'key:x' }])
    assert.ok(!listed.text.includes('very secret') && !put.text.includes('very secret'))
    assert.equal((await ask('PUT', '/credentials/web', { value: 'x' })).status, 409)
    assert.equal((await ask('DELETE', '/credentials/mail/static?principal=key:x')).status, 200)
    assert.equal((await ask('DELETE', '/credentials/mail/static?principal=key:x')).status, 404)
    assert.equal((await ask('DELETE', '/credentials/mail/other')).status, 400)
  })

  it('gives lists in pages', async () => {
    for (let at = 0; at < 5; at++) await ask('POST', '/keys', { name: `k${at}`, roles: ['user'] })
    const ids: string[] = []
    let cursor = ''
    do {
      const { json } = await ask('GET', `/keys?limit=2${cursor}`)
      assert.ok(json.keys.length <= 2)
      ids.push(...json.keys.map(({ id }: { id: string }) => id))
      cursor = json.next === undefined ? '' : `&cursor=${json.next}`
    } while (cursor !== '')
    assert.ok(ids.length >= 8 && new Set(ids).size === ids.length)
  })

  it('is not overwritten by two administrators', async () => {
    const { json: key } = await ask('POST', '/keys', { name: 'x', roles: ['user'] })
    const named = (revision: string) => ({ 'if-match': `"${revision}"` })
    const rotated = await ask('POST', `/keys/${key.id}/rotate`, {}, gateway.token, named(key.revision))
    assert.equal(rotated.status, 201)
    const late = await ask('POST', `/keys/${key.id}/revoke`, {}, gateway.token, named(key.revision))
    assert.deepEqual([late.status, late.json.error.data.code], [412, 'administration.changed'])
    assert.equal((await ask('GET', `/keys/${key.id}`)).json.revokedAt, undefined)
    for (const tag of ['*', 'W/"x"', key.revision, '"x"'])
      assert.equal((await ask('POST', `/keys/${key.id}/revoke`, {}, gateway.token, { 'if-match': tag })).status, 400)
  })

  it('is described by the gateway itself', async () => {
    const { json } = await ask('GET', '/openapi.json', undefined, operator)
    assert.equal(json.openapi, '3.1.0')
    assert.ok(json.paths['/admin/v1/keys/{id}/revoke'].post)
  })
})

describe('who administers', { timeout: 60_000 }, () => {
  it('is nobody because of a word that the configuration uses for something else', async (t) => {
    const other = await startTestGateway({
      upstreams: [{ name: 'web', url: upstream.url }],
      config: { policy: { files: ['access.cedar'], roles: ['admin', 'operator', 'auditor'] } },
    })
    t.after(() => other.close())
    for (const role of ['operator', 'auditor']) {
      const url = `${other.origin}/admin/v1/upstreams`
      const reply = await send(other, undefined, { method: 'GET', url, token: await other.issue([role]) })
      assert.equal(reply.status, 404)
    }
  })

  it('of one tenant looks after it alone, and of `administration.tenant` after all', async (t) => {
    const tenants = Object.fromEntries(['house', 'shop', 'lab'].map((name) => [name, { upstreams: ['web'] }]))
    const scene = async (administration: object) => {
      const made = await startTestGateway({
        upstreams: [{ name: 'web', url: upstream.url }],
        config: { tenants, administration },
      })
      t.after(() => made.close())
      const reach = async (tenant: string, path: string) => {
        const token = await made.issue(['admin'], { tenant })
        return send(made, undefined, { method: 'GET', url: `${made.origin}/admin/v1${path}`, token })
      }
      return reach
    }
    const nobody = await scene({})
    assert.equal((await nobody('house', '/keys?tenant=shop')).status, 404)
    assert.equal((await nobody('house', '/audit/gateway')).status, 404)
    assert.equal((await nobody('shop', '/keys')).status, 200)
    const house = await scene({ tenant: 'house' })
    assert.equal((await house('house', '/keys?tenant=shop')).json.keys.length, 0)
    assert.equal((await house('house', '/keys?tenant=nowhere')).status, 404)
    assert.deepEqual(
      (await house('house', '/tenants')).json.tenants.map(({ name }: { name: string }) => name),
      ['house', 'lab', 'shop'],
    )
    assert.equal((await house('shop', '/keys?tenant=house')).status, 404)
    assert.equal((await house('shop', '/tenants')).json.tenants.length, 1)
  })
})
