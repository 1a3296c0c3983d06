/**
 * ID-9: what another tenant has looks like what nobody has. Every route with every method of HTTP, and every method of MCP
 * in both eras, is sent twice: once about an upstream of another tenant, once about one that does not exist. The answers
 * must be equal, and the upstream must hear nothing.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { METHOD_NAMES, methodOf } from '../../src/mcp/methods.ts'
import type { AuditRecord } from '../../src/audit/record.ts'
import { recordsOf } from '../fixtures/audit.ts'
import { ask, callTool, modern, openSession, type Reply, send, stream } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const HTTP_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND']
/** As long as the name of the other tenant's upstream, so that nothing differs by its length. */
const [THEIRS, NOWHERE] = ['theirs', 'absent']

let ours: CountingUpstream
let theirs: CountingUpstream
let gateway: TestGateway
/** Administrators of each tenant, whom every policy permits everything. */
let mine: string
let other: string

before(async () => {
  ;[ours, theirs] = [await startCounting(), await startCounting()]
  gateway = await startTestGateway({
    upstreams: [
      { name: 'ours', url: ours.url },
      { name: THEIRS, url: theirs.url },
    ],
    config: { tenants: { mine: { upstreams: ['ours'] }, other: { upstreams: [THEIRS] } } },
  })
  mine = await gateway.issue(['admin'], { tenant: 'mine' })
  other = await gateway.issue(['admin'], { tenant: 'other' })
  // Whatever the gateway asks by itself at its start is over before anything is counted.
  for (const token of [mine, other]) await ask(gateway, 'tools/list', {}, { token, url: `${gateway.origin}/mcp` })
})
after(async () => {
  await gateway.close()
  await ours.close()
  await theirs.close()
})

/** What a caller can tell of an answer, but for the incident and the moment. */
function told({ status, headers, text }: Reply, name: string): object {
  const { date: _date, ...rest } = headers
  const plain = text.replaceAll(name, 'NAME').replaceAll(/"(?:incident|eventId)":"[^"]*"/g, '')
  return { status, text: plain, headers: { ...rest, 'content-length': undefined } }
}

/** Sends the same about both and compares; nothing of it reaches the other tenant's upstream. */
async function alike(about: (name: string) => Promise<Reply>, what: string): Promise<Reply> {
  const heard = theirs.seen.length
  const foreign = await about(THEIRS)
  const unknown = await about(NOWHERE)
  assert.deepEqual(told(foreign, THEIRS), told(unknown, NOWHERE), what)
  assert.equal(theirs.seen.length, heard, `${what} was heard`)
  return foreign
}

const refusals = (): readonly AuditRecord[] => recordsOf(gateway).filter(({ kind }) => kind === 'refusal')

test('the other tenant reaches its upstream by the same requests', async () => {
  const heard = theirs.count()
  for (const [name, url] of [
    ['echo', gateway.endpoint(THEIRS)],
    [`${THEIRS}__echo`, `${gateway.origin}/mcp`],
  ] as const) {
    assert.equal((await callTool(gateway, name, { text: 'x' }, { token: other, url })).status, 200)
  }
  assert.equal(theirs.count(), heard + 2)
})

for (const method of HTTP_METHODS) {
  test(`${method} of another tenant's path is answered like one of no path at all, and is on record`, async () => {
    const earlier = refusals().length
    const { body, headers } = modern('tools/list')
    const reply = await alike(
      (name) =>
        send(gateway, method === 'POST' ? body : undefined, {
          method,
          token: mine,
          url: gateway.endpoint(name),
          headers,
        }),
      method,
    )
    assert.ok(reply.status >= 400, `${reply.status}`)
    if (method === 'TRACE') return
    assert.equal(reply.status, 404)
    const news = refusals().slice(earlier) as readonly (AuditRecord & { code?: string; detail?: { tenant?: string } })[]
    assert.ok(news.some(({ code, detail }) => code === 'transport.not_found' && detail?.tenant === 'mine'))
  })
}

/** Parameters of a method about one thing, by the name of its upstream on the aggregate path. */
function paramsOf(method: string, upstream: string): Readonly<Record<string, unknown>> {
  const uri = `${upstream}+test://open`
  const prompt = { type: 'ref/prompt', name: `${upstream}__open` }
  const about: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    'tools/call': { name: `${upstream}__echo`, arguments: { text: 'x' } },
    'prompts/get': { name: `${upstream}__open` },
    'completion/complete': { ref: prompt, argument: { name: 'a', value: '' } },
    'logging/setLevel': { level: 'info' },
    'subscriptions/listen': { notifications: { resourceSubscriptions: [uri], taskIds: [`${upstream}-1`] } },
    initialize: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  }
  if (method.startsWith('resources/') && !method.endsWith('list')) return { uri }
  if (method.startsWith('tasks/')) return { taskId: `${upstream}-1`, inputResponses: {} }
  return about[method] ?? {}
}

const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } }

for (const method of METHOD_NAMES) {
  const kind = methodOf(method, 'modern')?.kind
  if (kind === undefined || method === 'subscriptions/listen') continue
  test(`${method} in the modern era tells nothing about another tenant on the aggregate path`, async () => {
    const about = (upstream: string) =>
      ask(gateway, method, paramsOf(method, upstream), {
        token: mine,
        url: `${gateway.origin}/mcp`,
        capabilities: TASKS,
      })
    const reply = await alike(about, method)
    assert.doesNotMatch(reply.text, /theirs__|theirs\+/)
    if (methodOf(method, 'modern')?.target !== undefined) assert.ok(reply.json.error, reply.text)
  })
}

for (const method of METHOD_NAMES) {
  if (methodOf(method, 'legacy') === undefined) continue
  test(`${method} in the legacy era tells nothing about another tenant on the aggregate path`, async () => {
    const url = `${gateway.origin}/mcp`
    const headers = await openSession(gateway, { token: mine, url })
    const isRequest = methodOf(method, 'legacy')?.kind === 'request'
    const reply = await alike(async (upstream) => {
      const body = { jsonrpc: '2.0', ...(isRequest && { id: 1 }), method, params: paramsOf(method, upstream) }
      const sent = await send(gateway, body, { token: mine, url, ...(method !== 'initialize' && { headers }) })
      const { 'mcp-session-id': _session, ...rest } = sent.headers
      return { ...sent, headers: rest }
    }, method)
    assert.doesNotMatch(reply.text, /theirs__|theirs\+/)
    if (methodOf(method, 'legacy')?.target !== undefined) assert.ok(reply.json.error, reply.text)
  })
}

test('an upstream is not asked for a tool that another tenant imagines', async () => {
  const url = `${gateway.origin}/mcp`
  // A tool that is not known is looked for again once a second: for its own tenant it would be.
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  const reply = await alike((name) => callTool(gateway, `${name}__imagined`, {}, { token: mine, url }), 'imagined')
  assert.equal(reply.json.error.data.code, 'policy.unknown_target')
  const heard = theirs.seen.length
  await callTool(gateway, `${THEIRS}__imagined`, {}, { token: other, url })
  assert.ok(theirs.seen.length > heard)
})

test('a subscription to what another tenant has is acknowledged like one to nothing', async () => {
  const heard = theirs.seen.length
  const acknowledged = await Promise.all(
    [THEIRS, NOWHERE].map(async (upstream) => {
      const { body, headers } = modern('subscriptions/listen', paramsOf('subscriptions/listen', upstream))
      const open = await stream(gateway, body, { token: mine, url: `${gateway.origin}/mcp`, headers })
      await open.until(/acknowledged/)
      open.close()
      return open.text()
    }),
  )
  assert.equal(acknowledged[0], acknowledged[1])
  assert.doesNotMatch(acknowledged[0] as string, /test:\/\//)
  assert.equal(theirs.seen.length, heard)
})

test('lists of each tenant hold its own upstreams alone', async () => {
  for (const [token, own] of [
    [mine, 'ours'],
    [other, THEIRS],
  ] as const) {
    for (const [method, member, key] of [
      ['tools/list', 'tools', 'name'],
      ['prompts/list', 'prompts', 'name'],
      ['resources/list', 'resources', 'uri'],
    ] as const) {
      const { json } = await ask(gateway, method, {}, { token, url: `${gateway.origin}/mcp` })
      const names = (json.result[member] as readonly Record<string, string>[]).map((item) => item[key] as string)
      assert.ok(names.length > 0 && names.every((name) => name.startsWith(own)), `${method}: ${names.join()}`)
    }
  }
})

test('a session of another tenant is answered like one that nobody has', async () => {
  const url = `${gateway.origin}/mcp`
  const session = await openSession(gateway, { token: other, url })
  const invented = { ...session, 'mcp-session-id': 'A'.repeat(43) }
  for (const method of ['GET', 'DELETE', 'POST']) {
    const body = method === 'POST' ? { jsonrpc: '2.0', id: 1, method: 'tools/list' } : undefined
    const [foreign, unknown] = await Promise.all(
      [session, invented].map((headers) => send(gateway, body, { method, token: mine, url, headers })),
    )
    assert.deepEqual(told(foreign as Reply, '-'), told(unknown as Reply, '-'), method)
    assert.equal(foreign?.status, 404)
  }
  const still = await send(gateway, { jsonrpc: '2.0', id: 2, method: 'ping' }, { token: other, url, headers: session })
  assert.equal(still.status, 200)
})

test('a cursor into another tenant is none', async () => {
  const cursor = (upstream: string) => Buffer.from(JSON.stringify([upstream, null])).toString('base64url')
  const reply = await alike(
    (name) => ask(gateway, 'prompts/list', { cursor: cursor(name) }, { token: mine, url: `${gateway.origin}/mcp` }),
    'a cursor',
  )
  assert.equal(reply.json.error.code, -32602)
})

test('a key that is limited to some upstreams learns no more about another tenant', async () => {
  const token = await gateway.issue(['admin'], { tenant: 'mine', upstreams: ['ours'] })
  const { body, headers } = modern('tools/list')
  const reply = await alike((name) => send(gateway, body, { token, url: gateway.endpoint(name), headers }), 'limited')
  assert.equal(reply.status, 404)
})

test('for a tenant that is not configured there is nothing at all, and nobody hears of it', async () => {
  const token = await gateway.issue(['admin'], { tenant: 'stranger' })
  const heard = [ours.seen.length, theirs.seen.length]
  for (const url of [`${gateway.origin}/mcp`, gateway.endpoint('ours'), gateway.endpoint(THEIRS)]) {
    for (const method of ['POST', 'GET', 'DELETE']) {
      const { body, headers } = modern('tools/list')
      const reply = await send(gateway, method === 'POST' ? body : undefined, { method, token, url, headers })
      assert.equal(reply.status, 404, `${method} ${url}`)
    }
  }
  assert.deepEqual([ours.seen.length, theirs.seen.length], heard)
})

test('no header names the tenant', async () => {
  for (const name of ['x-tenant', 'tenant', 'x-tenant-id', 'x-scope-orgid', 'x-forwarded-tenant']) {
    const { body, headers } = modern('tools/list')
    const sending = { token: mine, url: gateway.endpoint(THEIRS), headers: { ...headers, [name]: 'other' } }
    assert.equal((await send(gateway, body, sending)).status, 404, name)
  }
})
