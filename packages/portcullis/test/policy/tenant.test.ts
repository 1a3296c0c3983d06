import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PolicyEngine } from '../../src/policy/engine.ts'
import { explain } from '../../src/policy/explain.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { PolicyError } from '../../src/policy/problem.ts'
import type { PolicySource } from '../../src/policy/source.ts'
import { visibilityOf } from '../../src/policy/trim.ts'
import type { Vocabulary } from '../../src/policy/vocabulary.ts'
import { call, connect, effect, FETCH, NOON, principal, READ, read, tool, TOOLS, VOCABULARY } from './fixture.ts'

const TENANTS: Vocabulary = {
  ...VOCABULARY,
  tenants: new Map([
    ['acme', { upstreams: ['files'], roles: ['buyer'] }],
    ['other', { upstreams: ['files', 'web'], roles: [] }],
    ['empty', { upstreams: [], roles: [] }],
  ]),
}
const ALL: PolicySource = { file: 'all.cedar', text: '@id("all") permit(principal in Role::"user", action, resource);' }
const of = (tenant: string, text: string): PolicySource => ({ file: `${tenant}.cedar`, text, tenant })
const load = (...sources: readonly PolicySource[]): Promise<PolicyEngine> => loadPolicies(sources, TENANTS)
const told = async (...sources: readonly PolicySource[]): Promise<string> => {
  try {
    await load(...sources)
    return ''
  } catch (thrown) {
    if (thrown instanceof PolicyError) return thrown.message
    throw thrown
  }
}
const user = (tenant: string) => principal(['user'], { tenant })
const reads = call('files', 'read_file')

describe('policies of tenants', () => {
  it('give a tenant nothing of an upstream that it does not have, whatever they permit', async () => {
    const engine = await load(ALL)
    for (const aim of [call('web', 'fetch'), read('web', 'web:x'), connect('web')]) {
      assert.deepEqual(
        ['acme', 'other', 'empty', 'stranger', '__proto__'].map((tenant) => effect(engine, user(tenant), aim)),
        ['deny', 'allow', 'deny', 'deny', 'deny'],
      )
    }
    assert.equal(effect(engine, user('acme'), reads), 'allow')
  })

  it('trim lists by the same bounds', async () => {
    const engine = await load(ALL)
    const visibility = visibilityOf(() => engine)
    const shown = (tenant: string) => [READ, FETCH].map((one) => visibility.tool(user(tenant), one, NOON))
    assert.deepEqual(['acme', 'other', 'empty'].map(shown), [
      [true, false],
      [true, true],
      [false, false],
    ])
    assert.equal(visibility.upstream(user('acme'), 'web', NOON), false)
  })

  it('speak about the calls of their own tenant alone', async () => {
    const engine = await load(
      ALL,
      of('acme', '@id("own") forbid(principal, action == Action::"tools/call", resource == Tool::"files/read_file");'),
      of('other', '@id("own") permit(principal in Role::"reader", action, resource);'),
    )
    assert.equal(effect(engine, user('acme'), reads), 'deny')
    assert.equal(effect(engine, user('other'), reads), 'allow')
    assert.equal(effect(engine, principal(['reader'], { tenant: 'other' }), reads), 'allow')
    assert.equal(effect(engine, principal(['reader'], { tenant: 'acme' }), reads), 'deny')
    assert.equal(effect(engine, user('empty'), reads), 'deny')
  })

  it('go on speaking when an upstream changes its tools', async () => {
    const first = await load(ALL, of('acme', 'forbid(principal, action, resource == Tool::"files/read_file");'))
    const changed = new Map([...TOOLS, ['files', [READ, tool('files', 'more', {})]]])
    const engine = first.withDefinitions(changed)
    assert.equal(effect(engine, user('acme'), reads), 'deny')
    assert.equal(effect(engine, user('acme'), call('files', 'more')), 'allow')
    assert.notEqual(engine.generation, first.generation)
  })

  it('are explained with their tenant, by the policies that speak in it', async () => {
    const engine = await load(ALL, of('acme', '@id("own") forbid(principal, action, resource in Upstream::"files");'))
    const ask = (tenant: string, aim = reads) =>
      explain(engine, { principal: user(tenant), aim, circumstances: NOON, args: { path: 'x' } })
    assert.deepEqual(ask('acme').deciding, [{ id: 'own', file: 'acme.cedar', line: 1, tenant: 'acme' }])
    assert.deepEqual(ask('other').deciding, [{ id: 'all', file: 'all.cedar', line: 1 }])
    assert.deepEqual([ask('acme').tenant, ask('other').tenant], ['acme', 'other'])
    const { reason, deciding, nearest } = ask('acme', call('web', 'fetch'))
    assert.deepEqual([reason, deciding, nearest], ['The tenant acme has no upstream web.', [], []])
  })

  it('may name only what their tenant has', async () => {
    const fetching = 'permit(principal, action, resource == Tool::"web/fetch");'
    assert.match(await told(of('acme', fetching)), /acme\.cedar:1:\d+: unknown upstream "web"/)
    assert.equal(await told(of('other', fetching)), '')
    const buying = 'permit(principal in Role::"buyer", action, resource);'
    assert.equal(await told(of('acme', buying)), '')
    assert.match(await told(of('other', buying)), /unknown role "buyer"/)
    assert.match(await told({ ...ALL, text: buying }), /unknown role "buyer"/)
  })

  it('are checked against the tools of their tenant alone', async () => {
    const condition = 'permit(principal, action == Action::"tools/call", resource) when { context.args.path == "x" };'
    assert.equal(await told(of('acme', condition)), '')
    assert.match(await told(of('other', condition)), /tool "web\/fetch" has no argument "path"/)
  })

  it('may compare the tenant with those that exist', async () => {
    const when = (tenant: string) => ({
      ...ALL,
      text: `permit(principal, action, resource) when { principal.tenant == "${tenant}" };`,
    })
    assert.equal(await told(when('acme')), '')
    assert.match(await told(when('acmee')), /principal\.tenant is never "acmee"; did you mean "acme"\?/)
  })

  it('may have the ids of another tenant, not those of all', async () => {
    const named = '@id("x") permit(principal, action, resource);'
    assert.equal(await told(of('acme', named), of('other', named)), '')
    assert.match(
      await told(of('acme', named), { ...ALL, text: named }),
      /^acme\.cedar:1:1: the id "x" is already taken/,
    )
  })

  it('change the revision', async () => {
    const [one, two] = await Promise.all([load(ALL), load(ALL, of('acme', ALL.text.replace('all', 'own')))])
    assert.notEqual(one.revision, two.revision)
  })
})
