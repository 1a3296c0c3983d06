import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Principal } from '../../src/core/principal.ts'
import { visibilityOf } from '../../src/policy/trim.ts'
import { FETCH, load, NOON, principal, READ, tool, WRITE } from './fixture.ts'

const TOOL_CALL = 'action == Action::"tools/call"'
const PERMIT_FILES = `permit(principal, ${TOOL_CALL}, resource in Upstream::"files")`

const plain = await load('permit(principal, action, resource);')

async function shown(text: string, who: Principal = principal([]), circumstances = NOON): Promise<string[]> {
  const engine = await load(text)
  const visibility = visibilityOf(() => engine)
  return [READ, WRITE, FETCH].filter((one) => visibility.tool(who, one, circumstances)).map(({ name }) => name)
}

// biome-ignore format: one policy set a row
const LISTS: readonly (readonly [title: string, text: string, names: readonly string[]])[] = [
  ['nothing without a permit', '', []],
  ['what is permitted outright', `${PERMIT_FILES};`, ['read_file', 'write_file']],
  ['what some arguments could allow', `${PERMIT_FILES} when { context.args.path like "/demo/*" };`, ['read_file', 'write_file']],
  ['nothing whose other conditions fail', `${PERMIT_FILES} when { context.args.path like "/demo/*" && resource.readOnly };`, ['read_file']],
  ['nothing that lacks an argument which the condition asks for', `${PERMIT_FILES} when { context.args has content && context.args.content == "x" };`, ['write_file']],
  ['nothing that is forbidden outright', `${PERMIT_FILES}; forbid(principal, ${TOOL_CALL}, resource) unless { resource.readOnly };`, ['read_file']],
  ['what a forbid may spare', `${PERMIT_FILES}; forbid(principal, ${TOOL_CALL}, resource in Upstream::"files") when { context.args.path like "/etc/*" };`, ['read_file', 'write_file']],
  ['nothing that is forbidden for a required argument', `${PERMIT_FILES}; forbid(principal, ${TOOL_CALL}, resource in Upstream::"files") when { context.args has path && !resource.readOnly };`, ['read_file']],
]

describe('trimming lists', () => {
  for (const [title, text, names] of LISTS) {
    it(`shows ${title}`, async () => assert.deepEqual(await shown(text), names))
  }

  it('shows what is allowed now and from here, and nothing else', async () => {
    const text = `${PERMIT_FILES} when { context.time.hour < 6 && context.address.isLoopback() };`
    const night = { ...NOON, at: Date.UTC(2026, 6, 29, 3), address: '127.0.0.1' }
    assert.deepEqual(await shown(text, principal([]), night), ['read_file', 'write_file'])
    assert.deepEqual(await shown(text, principal([]), { ...night, address: '10.0.0.1' }), [])
    assert.deepEqual(await shown(text, principal([]), NOON), [])
  })

  it('follows the circumstances from one question to the next, although decisions are remembered', async () => {
    const engine = await load(`${PERMIT_FILES} when { context.time.hour < 6 && resource.readOnly };`)
    const visibility = visibilityOf(() => engine)
    const at = (hour: number) => ({ ...NOON, at: Date.UTC(2026, 6, 29, hour) })
    const who = principal([])
    assert.deepEqual(
      [3, 12, 5, 6, 3].map((hour) => visibility.tool(who, READ, at(hour))),
      [true, false, true, false, true],
    )
    assert.equal(visibility.steady, false)
    assert.equal(visibilityOf(() => plain).steady, true)
  })

  it('does not show to one what it remembers of another, where a condition looks at both caller and arguments', async () => {
    const condition = '{ context.args.path like "/demo/*" && principal in Role::"developer" }'
    const listed = '{ context.args.path like "/demo/*" && principal.roles.contains("developer") }'
    for (const text of [condition, listed]) {
      const engine = await load(`${PERMIT_FILES} when ${text};`)
      const visibility = visibilityOf(() => engine)
      const sees = (role: string) => visibility.tool(principal([role]), READ, NOON)
      assert.deepEqual(['developer', 'user', 'developer', 'user'].map(sees), [true, false, true, false])
    }
  })

  it('follows the circumstances, where a condition looks at arguments too', async () => {
    const engine = await load(`${PERMIT_FILES} when { context.args.path like "/demo/*" && context.time.hour < 6 };`)
    const visibility = visibilityOf(() => engine)
    const at = (hour: number) => ({ ...NOON, at: Date.UTC(2026, 6, 29, hour) })
    assert.deepEqual(
      [3, 12, 3, 12].map((hour) => visibility.tool(principal([]), READ, at(hour))),
      [true, false, true, false],
    )
  })

  it('still asks each call for its arguments after a list has settled what some could do', async () => {
    const engine = await load(`${PERMIT_FILES} when { context.args.path like "/demo/*" };`)
    const visibility = visibilityOf(() => engine)
    const who = principal([])
    const aim = { action: 'tools/call', type: 'Tool', upstream: 'files', name: 'read_file' } as const
    const effect = (path: string) => engine.decide({ principal: who, aim, circumstances: NOON, args: { path } }).effect
    const asked = () => [visibility.tool(who, READ, NOON), effect('/demo/a'), effect('/etc/a')]
    assert.deepEqual(
      [asked(), asked()],
      [
        [true, 'allow', 'deny'],
        [true, 'allow', 'deny'],
      ],
    )
  })

  it('takes the call for the method, whatever the list was asked by', async () => {
    const text = `${PERMIT_FILES} when { context.method == "tools/call" };`
    assert.deepEqual(await shown(text, principal([]), { ...NOON, method: 'tools/list' }), ['read_file', 'write_file'])
  })

  it('follows how the principal signed in', async () => {
    const text = `${PERMIT_FILES} when { principal has amr && principal.amr.contains("mfa") };`
    const engine = await load(text)
    const visibility = visibilityOf(() => engine)
    const by = (amr?: readonly string[]) =>
      visibility.tool(principal([], { credential: { kind: 'jwt', id: '1', ...(amr && { amr }) } }), READ, NOON)
    assert.deepEqual([by(), by(['pwd', 'mfa']), by(['pwd']), by(['mfa'])], [false, true, false, true])
  })

  it('shows nothing of an upstream that the credential is not for', async () => {
    assert.deepEqual(await shown('permit(principal, action, resource);', principal([], { upstreams: ['web'] })), [
      'fetch',
    ])
  })

  it('hides a definition that the policies have not been checked against', async () => {
    const engine = await load('permit(principal, action, resource);')
    const visibility = visibilityOf(() => engine)
    assert.equal(visibility.tool(principal([]), READ, NOON), true)
    assert.equal(visibility.tool(principal([]), tool('files', 'read_file', {}), NOON), false)
    assert.equal(visibility.tool(principal([]), tool('files', 'new', {}), NOON), false)
  })

  it('trims prompts, resources, templates and upstreams', async () => {
    const engine = await load(`
      permit(principal in Role::"reader", action == Action::"prompts/get", resource == Prompt::"files/help");
      permit(principal in Role::"reader", action == Action::"resources/read", resource in Upstream::"files") when { resource.uri like "file:///docs/*" };`)
    const visibility = visibilityOf(() => engine)
    const reader = principal(['reader'])
    assert.deepEqual(
      ['help', 'other', ''].map((name) => visibility.prompt(reader, 'files', name, NOON)),
      [true, false, false],
    )
    assert.deepEqual(
      ['file:///docs/a', 'file:///etc', 'file:///{path}', ''].map((uri) =>
        visibility.resource(reader, 'files', uri, NOON),
      ),
      [true, false, true, false],
    )
    assert.equal(visibility.resource(principal([]), 'files', 'file:///{path}', NOON), false)
    assert.deepEqual(
      ['files', 'web'].map((name) => visibility.upstream(reader, name, NOON)),
      [true, false],
    )
  })

  it('has a revision that changes with the definitions', async () => {
    let engine = await load('permit(principal, action, resource);')
    const visibility = visibilityOf(() => engine)
    const before = visibility.revision
    assert.equal(visibility.revision, before)
    engine = engine.withDefinitions(new Map())
    assert.notEqual(visibility.revision, before)
  })
})
