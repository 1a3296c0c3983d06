/** ID-10: whoever is removed leaves no credentials for upstreams behind, and nothing is called with them any more. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { callTool, type Reply, send } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { type SignInGateway, startSignIn, tokensOf } from '../fixtures/sign-in.ts'

describe('deposits of principals', { timeout: 60_000 }, () => {
  let upstream: CountingUpstream
  let gateway: SignInGateway
  before(async () => {
    upstream = await startCounting()
    const http = { vault: { of: 'principal', header: 'authorization', scheme: 'Bearer' } }
    gateway = await startSignIn({
      upstreams: [{ name: 'mail', url: upstream.url, http }],
      policy: 'permit (principal, action, resource);\n',
    })
    // The gateway reads the list of tools with one of them.
    await deposit('key:lister', 'of the lister')
  })
  after(async () => {
    await gateway.close()
    await upstream.close()
  })

  const admin = (method: string, path: string, body?: object): Promise<Reply> =>
    send(gateway, body, { method, url: `${gateway.origin}/admin/v1${path}` })

  const deposit = async (principal: string, value: string) => {
    const reply = await admin('PUT', '/credentials/mail', { principal, value })
    assert.equal(reply.status, 200, reply.text)
  }

  async function held(principal: string): Promise<number> {
    const { credentials } = (await admin('GET', '/credentials')).json as { credentials: { principal?: string }[] }
    return credentials.filter((one) => one.principal === principal).length
  }

  let people = 0
  async function person() {
    const name = `person${++people}`
    const { id } = await gateway.person(name, ['user'])
    const client = (await gateway.client()).id
    const token = (await tokensOf(gateway, client, name)).access_token
    return { name, principal: `user:${id}`, token }
  }

  it('go with the account', async () => {
    const { name, principal, token } = await person()
    await deposit(principal, 'a secret of somebody')
    assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 200)
    const removed = await admin('DELETE', `/users/${name}`)
    assert.equal(removed.status, 200, removed.text)
    assert.equal(await held(principal), 0)
    const calls = upstream.count()
    assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 401)
    assert.equal(upstream.count(), calls)
  })

  it('go with the last key of their principal, and not before', async () => {
    const token = await gateway.issue(['user'])
    const { id = '', principal = '' } = (await gateway.recordOf(token)) ?? {}
    await deposit(principal, 'a secret of a program')
    const successor = await gateway.rotate(token, 60)
    assert.equal((await admin('POST', `/keys/${id}/revoke`, {})).status, 200)
    assert.equal(await held(principal), 1, 'the principal goes on with its other key')
    assert.equal((await callTool(gateway, 'echo', {}, { token: successor })).status, 200)
    const last = (await gateway.recordOf(successor))?.id
    assert.equal((await admin('POST', `/keys/${last}/revoke`, {})).status, 200)
    assert.equal(await held(principal), 0)
  })

  it('go with a principal that is revoked, and with a client that is removed', async () => {
    const { principal } = await person()
    await deposit(principal, 'one')
    assert.equal((await admin('POST', '/revocations', { kind: 'principal', id: principal })).status, 201)
    assert.equal(await held(principal), 0)
    const { id } = await gateway.client({ redirects: [], roles: ['user'], proof: { kind: 'secret' } })
    await deposit(`client:${id}`, 'two')
    assert.equal((await admin('DELETE', `/clients/${id}`)).status, 200)
    assert.equal(await held(`client:${id}`), 0)
  })

  it('stay with everybody else', async () => {
    assert.equal(await held('key:lister'), 1)
    const store = readFileSync(join(gateway.stateFolder, 'store.sqlite'), 'latin1')
    assert.ok(!store.includes('of the lister'), 'sealed')
  })
})
