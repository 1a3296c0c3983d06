import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startTestGateway, type TestGateway } from '../../fixtures/gateway.ts'
import { type Scripted, startModern, tool } from './scripted.ts'
import { errorOf, modern, modernRequest, open, textOf } from './wire.ts'

const SECRET = 'hunter2-of-the-arguments'
const POLICY = `@id("administrators")
permit (principal in Role::"admin", action, resource);
@id("users-never-delete")
permit (principal in Role::"user", action, resource)
unless { context has args && context.args has path && context.args.path == "/etc" };
`

describe('checklist: authorization', { timeout: 60_000 }, () => {
  let upstream: Scripted
  let gateway: TestGateway

  before(async () => {
    const properties = { path: { type: 'string' }, password: { type: 'string' } }
    upstream = await startModern([tool('remove', { inputSchema: { type: 'object', properties } })], {
      'tools/call': (turn) => turn.result({ resultType: 'complete', content: [{ type: 'text', text: 'removed' }] }),
    })
    gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }], policy: POLICY })
  })
  after(async () => {
    await gateway?.close()
    await upstream?.close()
  })

  const remove = (more = {}) => ({ method: 'tools/call', params: { name: 'remove', ...more } }) as const

  it('row 33: a refusal says where to sign in, and the document is there', async () => {
    const issuer = 'https://issuer.example'
    const identity = { issuers: [{ issuer, jwksUri: `${issuer}/jwks` }] }
    const issuing = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }], config: { identity } })
    try {
      const refused = await modern({ ...issuing, token: 'no such token' }, remove())
      assert.equal(refused.status, 401)
      const challenge = String(refused.headers['www-authenticate'])
      const document = /^Bearer .*resource_metadata="([^"]+)"/.exec(challenge)?.[1]
      assert.equal(document, `${issuing.origin}/.well-known/oauth-protected-resource/mcp/one`)
      const ask = { method: 'GET', path: document, headers: { authorization: undefined } }
      const { status, body } = await (await open(issuing, ask)).whole()
      assert.deepEqual([status, body['resource'], body['authorization_servers']], [200, issuing.url, [issuer]])
    } finally {
      await issuing.close()
    }
  })

  it('row 34: no token, another token or a token in the URL opens nothing', async () => {
    const { message, headers } = modernRequest(remove())
    const send = async (more: object) => (await open(gateway, { message, ...more })).whole()
    const path = new URL(gateway.url).pathname
    const statuses = [
      (await send({ headers: { ...headers, authorization: undefined } })).status,
      (await send({ headers: { ...headers, authorization: 'Basic YTpi' } })).status,
      (await send({ headers: { ...headers, authorization: `Bearer ${gateway.token}x` } })).status,
      (await send({ headers: { ...headers, authorization: 'Bearer a.b.c' } })).status,
      (await send({ headers: { ...headers, authorization: undefined }, path: `${path}?access_token=${gateway.token}` }))
        .status,
    ]
    assert.deepEqual(statuses, [401, 401, 401, 401, 400])
    assert.equal(upstream.of('tools/call').length, 0)
  })

  it('row 35: what policy forbids is a 403 that carries the id and reaches nobody', async () => {
    const token = await gateway.issue(['user'])
    const reply = await modern({ ...gateway, token }, { ...remove({ arguments: { path: '/etc' } }), id: 'mine' })
    assert.deepEqual([reply.status, errorOf(reply).code, reply.body['id']], [403, 403, 'mine'])
    const elsewhere = await gateway.issue(['admin'], { upstreams: [] })
    const outside = await modern({ ...gateway, token: elsewhere }, remove())
    assert.ok(outside.status === 403 || outside.status === 401, String(outside.status))
    assert.equal(upstream.of('tools/call').length, 0)
  })

  it('row 36: the token of a client stays at the gateway', async () => {
    const reply = await modern(gateway, {
      ...remove(),
      headers: { cookie: 'a=b', 'proxy-authorization': 'Basic YTpi' },
    })
    assert.equal(textOf(reply), 'removed')
    for (const { headers, body } of upstream.seen) {
      assert.ok(!JSON.stringify([headers, body]).includes(gateway.token))
      for (const name of ['authorization', 'cookie', 'proxy-authorization', 'forwarded'])
        assert.equal(headers[name], undefined)
    }
  })

  it('row 47: neither log nor audit holds a token or an argument, and the trace context goes on', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await modern(gateway, { ...remove({ arguments: { password: SECRET } }), meta: { traceparent } })
    const { params } = upstream.last('tools/call').body as { params: { _meta: Record<string, unknown> } }
    assert.equal(params._meta['traceparent'], traceparent)
    const written = [...gateway.logged, ...filesBelow(gateway.auditFolder)].join('\n')
    assert.ok(written.length > 0)
    for (const secret of [gateway.token, SECRET]) assert.ok(!written.includes(secret))
  })
})

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
