/** ID-7: ready-made roles in force; conditions on time, address and how the caller signed in; lists follow all of them. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { recordsOf } from '../fixtures/audit.ts'
import { ask, callTool, type Reply, type Sending } from '../fixtures/client.ts'
import { type CountedTool, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { type IssuingGateway, startIssuing } from '../fixtures/issuing-gateway.ts'

const names = ({ json }: Reply): readonly string[] =>
  (json.result.tools as readonly { readonly name: string }[]).map(({ name }) => name)

const TOOLS: readonly CountedTool[] = [
  { name: 'look', annotations: { readOnlyHint: true } },
  { name: 'add', annotations: { destructiveHint: false } },
  { name: 'wipe' },
]

// biome-ignore format: one role a row
const ROLES: readonly (readonly [role: string, tools: readonly string[], policy: string | undefined])[] = [
  ['administrator', ['look', 'add', 'wipe'], 'role.administrator'],
  ['operator',      ['look', 'add'],         'role.operator'],
  ['auditor',       [],                      undefined],
  ['user',          ['look', 'add', 'wipe'], 'role.user'],
  ['reader',        ['look'],                'role.reader.tools'],
]

test('ready-made roles do what the guide says, and are named on record', async (t) => {
  const upstream = await startCounting(TOOLS)
  t.after(() => upstream.close())
  const builtin = ROLES.map(([role]) => role)
  const gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    config: { policy: { files: [], builtin } },
  })
  t.after(() => gateway.close())
  for (const [role, allowed, policy] of ROLES) {
    const token = await gateway.issue([role])
    assert.deepEqual(names(await ask(gateway, 'tools/list', {}, { token })), allowed, role)
    for (const { name } of TOOLS) {
      const earlier = upstream.count()
      const reply = await callTool(gateway, name, {}, { token })
      const passes = allowed.includes(name)
      assert.equal(reply.json.error?.data.code, passes ? undefined : 'policy.unknown_target', `${role} ${name}`)
      assert.equal(upstream.count() - earlier, passes ? 1 : 0)
    }
    const last = recordsOf(gateway).findLast((record) => record.kind === 'call' && record.method === 'tools/call')
    if (policy !== undefined) assert.deepEqual(last?.kind === 'call' && last.decision?.policies, [policy])
  }
})

test('a ready-made role that is not in force is none', async (t) => {
  const upstream = await startCounting(TOOLS)
  t.after(() => upstream.close())
  const gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    config: { policy: { files: [], builtin: ['reader'] } },
  })
  t.after(() => gateway.close())
  const reply = await callTool(gateway, 'look', {}, { token: await gateway.issue(['administrator']) })
  assert.equal(reply.json.error.data.code, 'policy.unknown_target')
  assert.equal(upstream.count(), 0)
})

const STRENGTH = `
@id("anybody") permit(principal, action == Action::"tools/call", resource == Tool::"one/look");
@id("with-two-factors") permit(principal, action == Action::"tools/call", resource == Tool::"one/add")
  when { principal has amr && principal.amr.contains("mfa") };
@id("at-a-high-level") permit(principal, action == Action::"tools/call", resource == Tool::"one/wipe")
  when { principal has acr && principal.acr == "urn:high" && principal.credential == "jwt" && !principal.senderConstrained };
`

async function issuing(t: TestContext, policy: string): Promise<IssuingGateway> {
  const made = await startIssuing({ tools: TOOLS, policy: policy.replaceAll(/\n {2}/g, ' ') })
  t.after(() => made.close())
  return made
}

test('how the caller signed in decides, in lists as in calls', async (t) => {
  const { gateway, token, upstream } = await issuing(t, STRENGTH)
  // biome-ignore format: one token a row
  const cases: readonly (readonly [claims: object | undefined, tools: readonly string[]])[] = [
    [undefined,                                                    ['look']],
    [{},                                                           ['look']],
    [{ amr: ['pwd'] },                                             ['look']],
    [{ amr: ['pwd', 'mfa'] },                                      ['look', 'add']],
    [{ amr: 'mfa' },                                               ['look']],
    [{ amr: ['mfa', 1] },                                          ['look']],
    [{ acr: 'urn:high' },                                          ['look', 'wipe']],
    [{ acr: ['urn:high'] },                                        ['look']],
    [{ acr: 'urn:highest' },                                       ['look']],
    [{ acr: 'urn:high', amr: ['mfa'] },                            ['look', 'add', 'wipe']],
  ]
  for (const [claims, allowed] of cases) {
    // The same subject each time: what one sign-in saw must not be remembered for another.
    const bearer = claims === undefined ? gateway.token : await token({ ...claims, jti: JSON.stringify(claims) })
    const sending: Sending = { token: bearer, url: gateway.endpoint('one') }
    const told = JSON.stringify(claims)
    assert.deepEqual(names(await ask(gateway, 'tools/list', {}, sending)), allowed, told)
    for (const { name } of TOOLS) {
      const earlier = upstream.count()
      const { json } = await callTool(gateway, name, {}, sending)
      assert.equal(json.error === undefined, allowed.includes(name), `${told} ${name}`)
      assert.equal(upstream.count() - earlier, allowed.includes(name) ? 1 : 0)
    }
  }
})

const HOUR_MS = 3_600_000

test('lists follow the clock, hour by hour, and a hidden tool is an unknown one', async (t) => {
  const now = new Date()
  const later = new Date(now.getTime() + HOUR_MS)
  const { gateway, upstream, shift } = await issuing(
    t,
    `@id("now") permit(principal, action == Action::"tools/call", resource == Tool::"one/look")
  when { context.time.epochSeconds < ${Math.floor(later.getTime() / 1000)} };
@id("later") permit(principal, action == Action::"tools/call", resource == Tool::"one/add")
  when { context.time.epochSeconds >= ${Math.floor(later.getTime() / 1000)} };
@id("by-its-call") permit(principal, action == Action::"tools/call", resource == Tool::"one/wipe")
  when { context.method == "tools/call" && context.address.isLoopback() };
`,
  )
  const shown = async () => names(await ask(gateway, 'tools/list'))
  const codeOf = async (name: string) => (await callTool(gateway, name)).json.error?.data.code
  assert.deepEqual(
    [await shown(), await shown()],
    [
      ['look', 'wipe'],
      ['look', 'wipe'],
    ],
  )
  assert.equal(await codeOf('look'), undefined)
  assert.equal(await codeOf('add'), 'policy.unknown_target')
  assert.equal(upstream.count(), 1)
  shift(HOUR_MS + 60_000)
  while ((await ask(gateway, 'tools/list')).status === 503) await new Promise((resolve) => setTimeout(resolve, 50))
  assert.deepEqual(await shown(), ['add', 'wipe'])
  assert.equal(await codeOf('look'), 'policy.unknown_target')
  assert.equal(await codeOf('add'), undefined)
  assert.equal(upstream.count(), 2)
})

test('from another address there is nothing to see', async (t) => {
  const { gateway, upstream } = await issuing(
    t,
    `permit(principal, action == Action::"tools/call", resource) when { context.address.isInRange(ip("10.0.0.0/8")) };
permit(principal, action == Action::"prompts/get", resource) when { context.address.isLoopback() };
`,
  )
  assert.deepEqual(names(await ask(gateway, 'tools/list')), [])
  assert.equal((await callTool(gateway, 'look')).json.error.data.code, 'policy.unknown_target')
  assert.equal(upstream.count(), 0)
  assert.equal((await ask(gateway, 'prompts/list')).json.result.prompts.length, 2)
})
