import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Params } from '../../src/mcp/message.ts'
import { call, connect, effect, load, NOON, principal, read } from './fixture.ts'

const READ_FILE = call('files', 'read_file')
const on = (condition: string) =>
  `permit(principal, action == Action::"tools/call", resource == Tool::"files/read_file") when { ${condition} };`

// biome-ignore format: one condition a row
const CONDITIONS: readonly (readonly [condition: string, allowed: Params, denied: Params])[] = [
  ['context.args.path like "/demo/*"',                                       { path: '/demo/a' },              { path: '/etc/demo/a' }],
  ['context.args has count && context.args.count <= 10',                     { path: '', count: 10 },          { path: '', count: 11 }],
  ['context.args has ratio && context.args.ratio.lessThan(decimal("0.5"))',  { path: '', ratio: 0.25 },        { path: '', ratio: 0.5 }],
  ['context.args has ratio && context.args.ratio.lessThan(decimal("0.5"))',  { path: '', ratio: 0 },           { path: '', ratio: 0.00001 }],
  ['context.args has tags && ["a", "b"].containsAll(context.args.tags)',     { path: '', tags: ['b', 'b'] },   { path: '', tags: ['c'] }],
  ['context.args has deep.name && context.args.deep.name == "x"',            { path: '', deep: { flag: true, name: 'x' } }, { path: '', deep: { flag: true } }],
  ['!(context.args has note)',                                               { path: '', note: null },         { path: '', note: 'x' }],
  ['context.args has force && context.args.force',                           { path: '', force: true },        { path: '', force: 'true' }],
]

describe('deciding', () => {
  for (const [condition, allowed, denied] of CONDITIONS) {
    it(`tells arguments apart by ${condition}: ${JSON.stringify(denied)}`, async () => {
      const engine = await load(on(condition))
      assert.equal(effect(engine, principal([]), READ_FILE, allowed), 'allow')
      assert.equal(effect(engine, principal([]), READ_FILE, denied), 'deny')
    })
  }

  it('denies by default, and names no policy', async () => {
    const engine = await load('permit(principal in Role::"user", action, resource);')
    assert.deepEqual(engine.decide({ principal: principal([]), aim: READ_FILE, circumstances: NOON }), {
      effect: 'deny',
      policies: [],
      revision: engine.revision,
    })
  })

  it('lets a forbid win over any permit, and names it', async () => {
    const engine = await load(
      'permit(principal, action, resource); @id("no") forbid(principal in Role::"reader", action, resource);',
    )
    assert.equal(effect(engine, principal(['user']), READ_FILE), 'allow')
    const { effect: said, policies } = engine.decide({
      principal: principal(['reader']),
      aim: READ_FILE,
      circumstances: NOON,
    })
    assert.deepEqual([said, policies], ['deny', ['no']])
  })

  it('refuses when a forbid cannot be evaluated, where Cedar would skip it', async () => {
    const overflow = 'context.args has count && context.args.count * 9007199254740991 * 9007199254740991 > 0'
    const engine = await load(
      `permit(principal, action, resource); forbid(principal, action == Action::"tools/call", resource == Tool::"files/read_file") when { ${overflow} };`,
    )
    assert.equal(effect(engine, principal([]), READ_FILE, { path: '' }), 'allow')
    assert.equal(effect(engine, principal([]), READ_FILE, { path: '', count: 9 }), 'deny')
  })

  it('allows nothing by a permit that cannot be evaluated', async () => {
    const engine = await load(
      on('context.args has count && context.args.count * 9007199254740991 * 9007199254740991 != 7'),
    )
    assert.equal(effect(engine, principal([]), READ_FILE, { path: '', count: 0 }), 'allow')
    assert.equal(effect(engine, principal([]), READ_FILE, { path: '', count: 9 }), 'deny')
  })

  it('lets an argument that the tool does not declare satisfy no permit and no escape from a forbid', async () => {
    const permitting = await load(on('context.args.path == "x"'))
    assert.equal(effect(permitting, principal([]), READ_FILE, { path: 'x', more: 1 }), 'allow')
    const text =
      'permit(principal, action, resource); forbid(principal, action == Action::"tools/call", resource) when { context.args has content };'
    const forbidding = await load(text)
    assert.equal(effect(forbidding, principal([]), READ_FILE, { path: 'x', content: 'y' }), 'deny')
    assert.equal(effect(forbidding, principal([]), READ_FILE, { path: 'x' }), 'allow')
  })

  it('knows the time in UTC, the address, and how the principal signed in', async () => {
    const engine = await load(`permit(principal, action, resource) when {
      context.time.hour >= 12 && context.time.weekday == 3 && context.time.now < datetime("2026-08-01") &&
      context.address.isInRange(ip("10.0.0.0/8")) && context.encrypted && principal.credential == "api-key" && principal.tenant == "acme"
    };`)
    const at = (change: Partial<typeof NOON>) => effect(engine, principal([]), READ_FILE, {}, { ...NOON, ...change })
    assert.equal(at({}), 'allow')
    assert.equal(at({ address: '::ffff:10.1.2.3' }), 'allow')
    assert.equal(at({ address: '11.1.2.3' }), 'deny')
    assert.equal(at({ address: '' }), 'deny')
    assert.equal(at({ encrypted: false }), 'deny')
    assert.equal(at({ at: NOON.at - 3_600_000 }), 'deny')
    assert.equal(effect(engine, principal([], { tenant: 'other' }), READ_FILE), 'deny')
    assert.equal(effect(engine, principal([], { credential: { kind: 'jwt', id: 'x' } }), READ_FILE), 'deny')
  })

  it('refuses when a forbid asks for the address of a peer that has none', async () => {
    const engine = await load(
      'permit(principal, action, resource); forbid(principal, action, resource) when { context.address.isLoopback() };',
    )
    assert.equal(effect(engine, principal([]), READ_FILE), 'allow')
    assert.equal(effect(engine, principal([]), READ_FILE, {}, { ...NOON, address: 'unix' }), 'deny')
  })

  it('keeps principals apart that differ only in what a policy reads', async () => {
    const engine = await load(
      'permit(principal == User::"key:1", action, resource); permit(principal, action, resource) when { principal has scopes && principal.scopes.contains("all") };',
    )
    assert.equal(effect(engine, principal([]), READ_FILE), 'allow')
    assert.equal(effect(engine, principal([], { id: 'key:2' }), READ_FILE), 'deny')
    assert.equal(effect(engine, principal([], { id: 'key:2', scopes: ['all'] }), READ_FILE), 'allow')
    assert.equal(effect(engine, principal([], { id: 'key:2', scopes: [] }), READ_FILE), 'deny')
  })

  it('keeps principals of one id apart when a policy reads what differs through a name', async () => {
    const engine = await load('permit(principal, action, resource) when { User::"key:1" has scopes };')
    assert.equal(effect(engine, principal([], { scopes: [] }), READ_FILE), 'allow')
    assert.equal(effect(engine, principal([]), READ_FILE), 'deny')
    assert.equal(effect(engine, principal([], { scopes: [] }), READ_FILE), 'allow')
  })

  it('denies every upstream that the credential is not for', async () => {
    const engine = await load('permit(principal, action, resource);')
    const limited = principal(['administrator'], { upstreams: ['web'] })
    assert.equal(effect(engine, limited, call('web', 'fetch')), 'allow')
    for (const aim of [READ_FILE, connect('files'), read('files', 'file:///a')])
      assert.equal(effect(engine, limited, aim), 'deny')
  })

  it('takes pessimistic annotations for tools that have none', async () => {
    const engine = await load(
      'permit(principal, action == Action::"tools/call", resource) when { resource.readOnly || !resource.destructive || !resource.openWorld };',
    )
    assert.equal(effect(engine, principal([]), READ_FILE), 'allow')
    assert.equal(effect(engine, principal([]), call('files', 'write_file')), 'deny')
  })

  it('decides about each resource by its URI, also when it has decided about another one', async () => {
    const engine = await load(
      'permit(principal, action == Action::"resources/read", resource) when { resource.uri like "file:///docs/*" && resource.scheme == "file" };',
    )
    assert.equal(effect(engine, principal([]), read('files', 'file:///docs/a')), 'allow')
    assert.equal(effect(engine, principal([]), read('files', 'file:///etc/passwd')), 'deny')
    assert.equal(effect(engine, principal([]), read('files', 'file:///docs/b')), 'allow')
  })

  it('knows no tool but those that an upstream offers', async () => {
    const engine = await load('permit(principal, action, resource);')
    for (const aim of [call('files', 'nothing'), call('files', '__proto__'), call('nowhere', 'read_file')]) {
      assert.equal(effect(engine, principal([]), aim), 'deny')
    }
  })
})

describe('connecting to an upstream', () => {
  it('is permitted to whom some use of it is permitted, and to no one else', async () => {
    const engine = await load(
      `permit(principal in Role::"developer", action == Action::"tools/call", resource == Tool::"files/read_file") when { context.args.path == "x" };`,
    )
    assert.equal(effect(engine, principal(['developer']), connect('files')), 'allow')
    assert.equal(effect(engine, principal(['developer']), connect('web')), 'deny')
    assert.equal(effect(engine, principal(['reader']), connect('files')), 'deny')
  })

  it('permits nothing else', async () => {
    const engine = await load('permit(principal, action == Action::"connect", resource);')
    assert.equal(effect(engine, principal([]), connect('files')), 'allow')
    assert.equal(effect(engine, principal([]), READ_FILE), 'deny')
  })

  it('can be forbidden, which forbids every use', async () => {
    const engine = await load(
      'permit(principal, action, resource); forbid(principal, action == Action::"connect", resource == Upstream::"files") unless { context.address.isInRange(ip("10.0.0.0/8")) };',
    )
    for (const aim of [connect('files'), READ_FILE, read('files', 'file:///a')]) {
      assert.equal(effect(engine, principal([]), aim), 'allow')
      assert.equal(effect(engine, principal([]), aim, {}, { ...NOON, address: '192.0.2.1' }), 'deny')
    }
    assert.equal(effect(engine, principal([]), call('web', 'fetch'), {}, { ...NOON, address: '192.0.2.1' }), 'allow')
  })
})
