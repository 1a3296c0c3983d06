/** ID-8: what an administrator ends, ends at once: the stream that is open, and the next call. Each change is one record, made before it. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { AuditRecord } from '../../src/audit/record.ts'
import { recordsOf, verdictsOf } from '../fixtures/audit.ts'
import { callTool, modern, openSession, type Reply, send, stream } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { type SignInGateway, startSignIn, tokensOf } from '../fixtures/sign-in.ts'

let upstream: CountingUpstream
let gateway: SignInGateway

before(async () => {
  upstream = await startCounting()
  gateway = await startSignIn({
    upstreams: [{ name: 'one', url: upstream.url }],
    policy: 'permit (principal, action, resource);',
    roles: ['admin', 'user'],
  })
})
after(async () => {
  await gateway?.close()
  await upstream.close()
})

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

const admin = (method: Method, path: string, body?: object, headers: Record<string, string> = {}): Promise<Reply> =>
  send(gateway, method === 'GET' || method === 'DELETE' ? undefined : (body ?? {}), {
    method,
    url: `${gateway.origin}/admin/v1${path}`,
    headers,
  })

async function listening(token: string) {
  const { body, headers } = modern('subscriptions/listen', { notifications: { toolsListChanged: true } })
  const open = await stream(gateway, body, { token, headers })
  await open.until(/subscriptions\/acknowledged/)
  return open
}

/** The change ends the stream and refuses the next call, which the upstream does not hear. */
async function ends(token: string, change: () => Promise<Reply>): Promise<Reply> {
  assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 200)
  const open = await listening(token)
  const bystander = await listening(gateway.token)
  let others = 0
  void bystander.ended.then(() => others++)
  const changed = await change()
  assert.ok(changed.status < 300, changed.text)
  const calls = upstream.count()
  assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 401)
  assert.equal(upstream.count(), calls)
  await open.ended
  assert.equal(others, 0)
  bystander.close()
  return changed
}

type Change = Extract<AuditRecord, { kind: 'change' }>

const changes = (what: string): readonly Change[] =>
  recordsOf(gateway).filter((record): record is Change => record.kind === 'change' && record.what === what)

let people = 0
async function person(): Promise<{ readonly name: string; readonly token: string; readonly client: string }> {
  const name = `person${++people}`
  await gateway.person(name, ['user'])
  const { id } = await gateway.client()
  return { name, client: id, token: (await tokensOf(gateway, id, name)).access_token }
}

describe('what an administrator ends, ends at once', { timeout: 120_000 }, () => {
  it('a key that is revoked', async () => {
    const token = await gateway.issue(['user'])
    const id = (await gateway.recordOf(token))?.id ?? ''
    const { json } = await admin('GET', `/keys/${id}`)
    const changed = await ends(token, () => admin('POST', `/keys/${id}/revoke`, { reason: 'lost' }))
    const [record] = changes('key.revoked').filter(({ detail }) => detail?.['id'] === id)
    assert.match(String(record?.by), /^key:/)
    assert.partialDeepStrictEqual(record?.detail, {
      before: json.revision,
      after: changed.json.revision,
      reason: 'lost',
    })
    const again = await admin('POST', `/keys/${id}/revoke`)
    assert.deepEqual([again.status, again.json.changed], [200, false])
    assert.equal(changes('key.revoked').filter(({ detail }) => detail?.['id'] === id).length, 1)
  })

  it('a principal that is revoked', async () => {
    const token = await gateway.issue(['user'])
    const id = (await gateway.recordOf(token))?.principal
    await ends(token, () => admin('POST', '/revocations', { kind: 'principal', id }))
    const listed = await admin('GET', '/revocations')
    assert.ok(
      listed.json.revocations.some((one: { id: string; kind: string }) => one.id === id && one.kind === 'principal'),
    )
  })

  it('a token that is revoked by its jti', async () => {
    const { token } = await person()
    const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { jti: string }
    await ends(token, () => admin('POST', '/revocations', { kind: 'token', id: jti, forSeconds: 600 }))
  })

  it('an account that is disabled, and it stays so until it is enabled', async () => {
    const { name, token } = await person()
    await ends(token, () => admin('POST', `/users/${name}/disable`))
    assert.equal((await admin('GET', `/users/${name}`)).json.disabled, true)
    assert.equal((await admin('POST', `/users/${name}/enable`)).json.changed, true)
    assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 401, 'what ended stays ended')
  })

  it('roles that are taken away', async () => {
    const { name, token } = await person()
    const { revision } = (await admin('GET', `/users/${name}`)).json
    const put = (revisionNow: string) =>
      admin('PUT', `/users/${name}/roles`, { roles: ['admin'] }, { 'if-match': `"${revisionNow}"` })
    const changed = await ends(token, () => put(revision))
    assert.deepEqual(changed.json.roles, ['admin'])
    assert.equal((await put(revision)).status, 412, 'two administrators do not overwrite each other')
    assert.equal((await admin('PUT', `/users/${name}/roles`, { roles: ['user'] })).status, 428)
    assert.deepEqual((await admin('GET', `/users/${name}`)).json.roles, ['admin'])
  })

  it('an account that is removed', async () => {
    const { name, token } = await person()
    await ends(token, () => admin('DELETE', `/users/${name}`))
    assert.equal((await admin('GET', `/users/${name}`)).status, 404)
    assert.equal((await admin('DELETE', `/users/${name}`)).status, 404)
  })

  for (const [what, method, way] of [
    ['removed', 'DELETE', ''],
    ['disabled', 'POST', '/disable'],
  ] as const) {
    it(`a client that is ${what}`, async () => {
      const { client, token, name } = await person()
      await ends(token, () => admin(method, `/clients/${client}${way}`))
      await assert.rejects(tokensOf(gateway, client, name), 'and it gets no other token')
    })
  }

  it('a secret of a client that is rotated', async () => {
    const { id, secret } = await gateway.client({ redirects: [], roles: ['user'], proof: { kind: 'secret' } })
    const tell = (words: string) => gateway.tell('/token', { grant_type: 'client_credentials' }, basic(id, words))
    assert.equal((await tell(secret ?? '')).status, 200)
    const rotated = await admin('POST', `/clients/${id}/rotate-secret`)
    assert.equal((await tell(secret ?? '')).status, 401)
    assert.equal((await tell(rotated.json.secret)).status, 200)
  })

  it('a consent that is revoked, with its refresh tokens', async () => {
    const { token, client } = await person()
    const listed = await admin('GET', `/grants?client=${client}`)
    const [grant] = listed.json.grants
    assert.equal(listed.json.grants.length, 1)
    await ends(token, () => admin('DELETE', `/grants/${grant.id}`))
    assert.deepEqual((await admin('GET', `/grants?client=${client}`)).json.grants, [])
  })

  it('a session that is ended', async () => {
    const token = await gateway.issue(['user'])
    const headers = await openSession(gateway, { token })
    const own = await stream(gateway, undefined, { method: 'GET', token, headers })
    const principal = (await gateway.recordOf(token))?.principal ?? ''
    const listed = await admin('GET', `/sessions?principal=${principal}`)
    assert.equal(listed.json.sessions.length, 1)
    assert.ok(!listed.text.includes(headers['mcp-session-id'] as string))
    assert.equal((await admin('DELETE', `/sessions/${listed.json.sessions[0].id}`)).status, 200)
    await own.ended
    const late = await send(gateway, { jsonrpc: '2.0', id: 1, method: 'ping' }, { token, headers })
    assert.equal(late.status, 404)
  })

  it('a tenant that is suspended, until it is resumed', async () => {
    const token = await gateway.issue(['admin'], { tenant: 'acme' })
    await ends(token, () => admin('POST', '/tenants/acme/suspend', { reason: 'unpaid' }))
    assert.equal(
      (await send(gateway, undefined, { method: 'GET', url: `${gateway.origin}/admin/v1/keys`, token })).status,
      401,
    )
    const late = await gateway.issue(['user'], { tenant: 'acme' })
    assert.equal((await callTool(gateway, 'echo', {}, { token: late })).status, 401, 'a new key of it opens nothing')
    assert.equal((await admin('POST', '/tenants/acme/suspend')).json.changed, false)
    assert.equal((await admin('POST', '/tenants/acme/resume')).json.suspended, false)
    const fresh = await gateway.issue(['user'], { tenant: 'acme' })
    assert.equal((await callTool(gateway, 'echo', {}, { token: fresh })).status, 200)
    assert.deepEqual(
      [...changes('tenant.suspended'), ...changes('tenant.resumed')].map(({ tenant, detail }) => [
        tenant,
        detail?.['byTenant'],
      ]),
      [
        ['acme', 'default'],
        ['acme', 'default'],
      ],
    )
    assert.equal((await admin('POST', '/tenants/default/suspend')).status, 409, 'nobody locks themselves out')
  })

  it('the key that is in use stays, so that nobody locks themselves out', async () => {
    const id = (await gateway.recordOf(gateway.token))?.id ?? ''
    for (const [way, body] of [
      ['revoke', {}],
      ['rotate', { overlapSeconds: 0 }],
    ] as const)
      assert.equal((await admin('POST', `/keys/${id}/${way}`, body)).status, 409)
    assert.equal((await admin('GET', `/keys/${id}`)).json.revokedAt, undefined)
  })

  it('and all of it stands in chains that verify, without a secret', async () => {
    const { json } = await admin('POST', '/keys', { name: 'robot', roles: ['user'] })
    const { json: client } = await admin('POST', '/clients', { name: 'x', roles: ['user'], proof: 'secret' })
    const { json: user } = await admin('POST', '/users', { name: 'zoe', roles: ['user'] })
    const { json: totp } = await admin('POST', '/users/zoe/totp')
    const text = JSON.stringify(recordsOf(gateway))
    for (const secret of [json.key, client.secret, user.link.split('=')[1], /secret=([A-Z2-7]+)/.exec(totp.uri)?.[1]])
      assert.ok(typeof secret === 'string' && secret.length > 20 && !text.includes(secret))
    for (const verdict of verdictsOf(gateway).values()) assert.equal(verdict.sound, true)
    for (const record of recordsOf(gateway)) if (record.kind === 'change') assert.ok(record.by, record.what)
  })
})

const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})
