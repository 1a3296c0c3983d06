import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { explain } from '../../src/policy/explain.ts'
import { READY_MADE_ROLES, type ReadyMadeRole, readyMadeRoles } from '../../src/policy/roles.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { parsePolicyTests, runPolicyTests } from '../../src/policy/test.ts'
import { call, connect, effect, load, NOON, principal, read, TOOLS, VOCABULARY } from './fixture.ts'

const engine = await load(`
@id("demo") permit(principal in Role::"developer", action == Action::"tools/call", resource == Tool::"files/read_file")
  when { principal.tenant == "acme" && context.args.path like "/demo/*" } unless { context.args has force && context.args.force };
@id("all") permit(principal in Role::"administrator", action, resource);
@id("again") permit(principal in Role::"administrator", action in Action::"use", resource);
@id("night") forbid(principal, action == Action::"connect", resource) when { context.time.hour < 6 };
`)
const ask = (roles: string[], args: Record<string, unknown>, aim = call('files', 'read_file'), circumstances = NOON) =>
  explain(engine, { principal: principal(roles), aim, circumstances, args })

describe('explaining a decision', () => {
  it('names every policy that permits, with its place', () => {
    const { reason, deciding } = ask(['administrator'], {})
    assert.equal(reason, 'A policy permits it.')
    assert.deepEqual(deciding, [
      { id: 'all', file: 'test.cedar', line: 4 },
      { id: 'again', file: 'test.cedar', line: 5 },
    ])
  })

  it('names what forbids, also when it only forbids to connect', () => {
    const { decision, reason, deciding } = ask(['administrator'], {}, call('web', 'fetch'), { ...NOON, at: 0 })
    assert.deepEqual(
      [decision.effect, reason, deciding.map(({ id }) => id)],
      ['deny', 'A policy forbids it.', ['night']],
    )
  })

  it('shows the part of the nearest permit that does not hold', () => {
    const [first, ...rest] = ask(['developer'], { path: '/etc' }).nearest
    assert.deepEqual(
      [first?.id, first?.missing, first?.text],
      ['demo', 'condition', 'when { context.args.path like "/demo/*" }'],
    )
    assert.deepEqual(
      rest.map(({ missing }) => missing),
      ['principal', 'principal'],
    )
    assert.match(ask(['developer'], { path: '/demo/a', force: true }).nearest[0]?.text ?? '', /^unless \{ .*force/)
  })

  it('tells why a condition could not be evaluated', () => {
    assert.match(ask(['developer'], {}).nearest[0]?.error ?? '', /attribute path is missing/)
  })

  it('tells what is missing in the principal, the credential and the upstream', () => {
    assert.match(ask([], { path: '/demo/a' }).nearest[0]?.text ?? '', /principal in Role::"developer"/)
    const limited = { principal: principal([], { upstreams: [] }), aim: connect('files'), circumstances: NOON }
    assert.match(explain(engine, limited).reason, /credential is not for the upstream files/)
    assert.match(ask([], {}, call('files', 'nothing')).reason, /no such tool/)
    assert.match(ask(['developer'], {}, connect('files')).reason, /connecting is/)
  })
})

describe('policy tests', () => {
  const cases = parsePolicyTests([
    {
      name: 'reads the demo',
      principal: { roles: ['developer'], tenant: 'acme' },
      call: { upstream: 'files', tool: 'read_file', args: { path: '/demo/a' } },
      expect: 'allow',
      policy: 'demo',
    },
    {
      name: 'not the rest',
      principal: { roles: ['developer'], tenant: 'acme' },
      call: { upstream: 'files', tool: 'read_file', args: { path: '/etc' } },
      expect: 'deny',
    },
    {
      name: 'sees no writing',
      principal: { roles: ['developer'] },
      call: { upstream: 'files', tool: 'write_file' },
      expect: 'hidden',
    },
    {
      name: 'not at night',
      principal: { roles: ['administrator'] },
      call: { upstream: 'files', resource: 'file:///a', at: '2026-01-01T03:00:00Z' },
      expect: 'deny',
      policy: 'night',
    },
    { name: 'a wrong expectation', principal: { roles: ['administrator'] }, call: { upstream: 'web' }, expect: 'deny' },
    {
      name: 'the wrong policy',
      principal: { roles: ['administrator'] },
      call: { upstream: 'web' },
      expect: 'allow',
      policy: 'demo',
    },
  ])

  it('pass and fail as expected, with the explanation of each', () => {
    const results = runPolicyTests(engine, cases, NOON.at)
    assert.deepEqual(
      results.map(({ passed }) => passed),
      [true, true, true, true, false, false],
    )
    assert.deepEqual(
      results.map(({ actual }) => actual),
      ['allow', 'deny', 'hidden', 'hidden', 'allow', 'allow'],
    )
    assert.equal(results[5]?.expected, 'allow by demo')
    assert.equal(results[0]?.explanation.deciding[0]?.id, 'demo')
  })

  it('refuse a key that they do not know', () => {
    assert.throws(() => parsePolicyTests([{ ...cases[0], expekt: 'allow' }]), /expekt/)
    assert.throws(() => parsePolicyTests([{ ...cases[0], call: { upstream: 'files', arguments: {} } }]), /arguments/)
  })
})

const ROLES = Object.keys(READY_MADE_ROLES) as ReadyMadeRole[]

describe('ready-made roles', () => {
  it('give the administrator all, the user every use, the operator what destroys nothing, the reader what reads', async () => {
    const ready = await loadPolicies(readyMadeRoles(ROLES), {
      ...VOCABULARY,
      roles: [...ROLES, 'developer'],
      tools: TOOLS,
    })
    const effects = (role: string) =>
      [call('files', 'read_file'), call('files', 'write_file'), read('files', 'file:///a'), connect('web')].map((aim) =>
        effect(ready, principal([role]), aim),
      )
    assert.deepEqual(effects('administrator'), ['allow', 'allow', 'allow', 'allow'])
    assert.deepEqual(effects('user'), ['allow', 'allow', 'allow', 'allow'])
    assert.deepEqual(effects('operator'), ['allow', 'deny', 'allow', 'allow'])
    assert.deepEqual(effects('auditor'), ['deny', 'deny', 'deny', 'allow'])
    assert.deepEqual(effects('reader'), ['allow', 'deny', 'allow', 'allow'])
    assert.deepEqual(effects('developer'), ['deny', 'deny', 'deny', 'deny'])
  })

  it('are named by their decisions and told by their own file', async () => {
    const ready = await loadPolicies(readyMadeRoles(['reader']), { ...VOCABULARY, tools: TOOLS })
    const told = explain(ready, {
      principal: principal(['reader']),
      aim: call('files', 'read_file'),
      circumstances: NOON,
    })
    assert.deepEqual(told.deciding, [{ id: 'role.reader.tools', file: 'ready-made role reader', line: 2 }])
    assert.deepEqual(told.decision.policies, ['role.reader.tools'])
  })
})
