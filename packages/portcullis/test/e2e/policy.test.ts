/** ID-7: roles, default deny, conditions on arguments; lists show what dispatch allows; hidden equals unknown. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { ask, callTool, openSession, type Reply, send } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const ROLES = ['admin', 'reader', 'writer', 'auditor', 'nobody'] as const
const NAMES = ['read_file', 'write_file', 'delete_file', 'stat', 'secret'] as const
const inputSchema = {
  type: 'object',
  properties: { path: { type: 'string' }, bytes: { type: 'integer' }, force: { type: 'boolean' } },
}
const POLICY = `
@id("administrators") permit (principal in Role::"admin", action, resource);
@id("never-secret") forbid (principal, action, resource == Tool::"files/secret") unless { principal in Role::"admin" };
@id("connect") permit (principal, action == Action::"connect", resource == Upstream::"files")
  when { principal.roles.containsAny(["reader", "writer", "auditor"]) };
@id("readers") permit (principal in Role::"reader", action == Action::"tools/call", resource == Tool::"files/read_file")
  when { context.args has path && context.args.path like "/public/*" };
@id("no-dots") forbid (principal, action == Action::"tools/call", resource == Tool::"files/read_file")
  when { context.args has path && context.args.path like "*..*" };
@id("writers") permit (principal in Role::"writer", action == Action::"tools/call", resource == Tool::"files/write_file")
  when { context.args has bytes && context.args.bytes <= 100 };
@id("stat") permit (principal in Role::"auditor", action == Action::"tools/call", resource == Tool::"files/stat");
@id("open-prompt") permit (principal in Role::"reader", action == Action::"prompts/get", resource == Prompt::"files/open");
@id("open-resource") permit (principal in Role::"reader", action == Action::"resources/read", resource == Resource::"files/test://open");
`

let upstream: CountingUpstream
let gateway: TestGateway
const tokens = new Map<string, string>()

before(async () => {
  upstream = await startCounting(NAMES.map((name) => ({ name, inputSchema })))
  gateway = await startTestGateway({
    upstreams: ['files', 'other'].map((name) => ({ name, url: upstream.url })),
    policy: POLICY,
    roles: ROLES,
  })
  for (const role of ROLES) tokens.set(role, await gateway.issue([role]))
})
after(async () => {
  await gateway.close()
  await upstream.close()
})

const by = (role: string) => ({ token: tokens.get(role) as string })

/** Whether the upstream was reached, and how the caller was refused if not. */
async function outcome(name: string, args: object, role: string): Promise<string> {
  const earlier = upstream.count()
  const reply = await callTool(gateway, name, args, by(role))
  const reached = upstream.count() - earlier
  const code: string | undefined = reply.json.error?.data.code
  assert.equal(reached, code === undefined ? 1 : 0, reply.text)
  return code ?? 'done'
}

const denied = 'policy.denied'
const unknown = 'policy.unknown_target'

// biome-ignore format: one call a row
const CALLS: readonly (readonly [string, (typeof NAMES)[number], object, string])[] = [
  ['admin',   'secret',      {},                             'done'],
  ['admin',   'delete_file', { path: '/x' },                 'done'],
  ['admin',   'read_file',   { path: '/public/../x' },       denied],
  ['reader',  'read_file',   { path: '/public/a' },          'done'],
  ['reader',  'read_file',   { path: '/private/a' },         denied],
  ['reader',  'read_file',   { path: '/PUBLIC/a' },          denied],
  ['reader',  'read_file',   { path: 'x/public/a' },         denied],
  ['reader',  'read_file',   { path: '/public/../private' }, denied],
  ['reader',  'read_file',   {},                             denied],
  ['reader',  'write_file',  { bytes: 1 },                   unknown],
  ['reader',  'delete_file', {},                             unknown],
  ['reader',  'secret',      {},                             unknown],
  ['writer',  'write_file',  { bytes: 100 },                 'done'],
  ['writer',  'write_file',  { bytes: 101 },                 denied],
  ['writer',  'write_file',  { bytes: -1 },                  'done'],
  ['writer',  'write_file',  {},                             denied],
  ['writer',  'read_file',   { path: '/public/a' },          unknown],
  ['auditor', 'stat',        {},                             'done'],
  ['nobody',  'stat',        {},                             unknown],
  ['nobody',  'read_file',   { path: '/public/a' },          unknown],
]

for (const [role, name, args, expected] of CALLS) {
  test(`${role} calls ${name} with ${JSON.stringify(args)}: ${expected}`, async () => {
    assert.equal(await outcome(name, args, role), expected)
  })
}

test('roles add up, and a forbid outweighs every permit', async () => {
  const token = await gateway.issue(['reader', 'writer'])
  const status = async (name: string, args: object) =>
    (await callTool(gateway, name, args, { token })).json.error?.data.code
  assert.equal(await status('read_file', { path: '/public/a' }), undefined)
  assert.equal(await status('write_file', { bytes: 1 }), undefined)
  assert.equal(await status('secret', {}), unknown)
})

test('lists show what dispatch could allow: each tool, shown or hidden, is tried', async () => {
  for (const role of ROLES) {
    const shown = new Set(await listed('tools/list', 'tools', role))
    for (const name of NAMES) {
      const tries = await Promise.all(
        [{}, { path: '/public/a' }, { bytes: 1 }].map((args) => callTool(gateway, name, args, by(role))),
      )
      const codes = tries.map(({ json }) => json.error?.data.code)
      if (shown.has(name)) assert.ok(codes.includes(undefined), `${role} sees ${name} and may never call it`)
      else assert.deepEqual(new Set(codes), new Set([unknown]), `${role} does not see ${name}`)
    }
  }
})

test('no arguments whatever open a hidden tool, nor make a shown one look hidden', async () => {
  const args = fc.record(
    { path: fc.oneof(fc.constant('/public/x'), fc.string()), bytes: fc.integer(), force: fc.boolean() },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ROLES), fc.constantFrom(...NAMES), args, async (role, name, given) => {
      const shown = (await listed('tools/list', 'tools', role)).includes(name)
      const code = await outcome(name, given, role)
      assert.equal(code === unknown, !shown, `${role} ${name} ${JSON.stringify(given)} → ${code}`)
    }),
    { numRuns: 60 },
  )
})

test('prompts and resources are listed as they are dispatched', async () => {
  for (const [list, member, get, param] of [
    ['prompts/list', 'prompts', 'prompts/get', 'name'],
    ['resources/list', 'resources', 'resources/read', 'uri'],
  ] as const) {
    for (const role of ['admin', 'reader', 'auditor']) {
      const shown = await listed(list, member, role)
      const all = member === 'prompts' ? ['open', 'closed'] : ['test://open', 'test://closed']
      assert.deepEqual(shown, role === 'admin' ? all : role === 'reader' ? [all[0]] : [])
      for (const one of all) {
        const earlier = upstream.count(get)
        const reply = await ask(gateway, get, { [param]: one }, by(role))
        assert.equal(reply.json.error?.data.code, shown.includes(one) ? undefined : unknown, `${role} ${one}`)
        assert.equal(upstream.count(get) - earlier, shown.includes(one) ? 1 : 0)
      }
    }
  }
})

test('hidden equals unknown, byte for byte but for the incident', async () => {
  const same = (hidden: Reply, none: Reply, from: string, to: string): void => {
    const text = (reply: Reply) => reply.text.replaceAll(reply.json.error.data.incident, 'INCIDENT')
    assert.equal(text(hidden).replaceAll(from, to), text(none))
    assert.equal(hidden.status, none.status)
    const headers = ({ headers: { date: _date, ...rest } }: Reply) => ({ ...rest, 'content-length': '' })
    assert.deepEqual(headers(hidden), headers(none))
  }
  const reader = by('reader')
  for (const args of [{}, { path: '/x' }, { unknown: 1 }, 'text', null, [1]]) {
    same(
      await callTool(gateway, 'secret', args, reader),
      await callTool(gateway, 'no_such', args, reader),
      'secret',
      'no_such',
    )
  }
  const session = await openSession(gateway, reader)
  const legacy = (name: string) =>
    send(gateway, { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name } }, { ...reader, headers: session })
  same(await legacy('secret'), await legacy('no_such'), 'secret', 'no_such')
  const aggregate = { ...reader, url: `${gateway.origin}/mcp` }
  same(
    await callTool(gateway, 'files__secret', {}, aggregate),
    await callTool(gateway, 'files__no_such', {}, aggregate),
    'secret',
    'no_such',
  )
  same(
    await callTool(gateway, 'other__stat', {}, aggregate),
    await callTool(gateway, 'nowhere__stat', {}, aggregate),
    'other',
    'nowhere',
  )
  same(
    await ask(gateway, 'prompts/get', { name: 'closed' }, reader),
    await ask(gateway, 'prompts/get', { name: 'none' }, reader),
    'closed',
    'none',
  )
  const uri = (name: string) => ask(gateway, 'resources/read', { uri: `test://${name}` }, reader)
  same(await uri('closed'), await uri('none'), 'closed', 'none')
})

async function listed(method: string, member: string, role: string): Promise<readonly string[]> {
  const reply = await ask(gateway, method, {}, by(role))
  if (reply.status === 403) return []
  assert.equal(reply.json.result.cacheScope, 'private')
  return reply.json.result[member].map((item: { name: string; uri?: string }) => item.uri ?? item.name)
}
