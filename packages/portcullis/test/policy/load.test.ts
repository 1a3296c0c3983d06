import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatPolicyProblem } from '../../src/policy/problem.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import {
  call,
  effect,
  FETCH,
  load,
  NOON,
  principal,
  problemsOf,
  READ,
  tool,
  TOOLS,
  VOCABULARY,
  WRITE,
} from './fixture.ts'

const READ_FILE = 'action == Action::"tools/call", resource == Tool::"files/read_file"'
const FILES = 'action == Action::"tools/call", resource in Upstream::"files"'

// biome-ignore format: one mistake a row
const MISTAKES: readonly (readonly [title: string, text: string, told: RegExp])[] = [
  ['a syntax error', 'permit(principal, action, resource) when { 1 == };', /^test\.cedar:1:49: unexpected token/],
  ['a missing semicolon', 'permit(principal, action, resource)', /^test\.cedar:1:36: unexpected end of input; expected `;`/],
  ['an unknown variable', 'permit(principal, action, resource) when { principl == 1 };', /invalid variable: principl/],
  ['an unknown role', 'permit(principal in Role::"develper", action, resource);', /^test\.cedar:1:21: unknown role "develper"; did you mean "developer"\?/],
  ['an unknown upstream', 'permit(principal, action, resource in Upstream::"file");', /unknown upstream "file"; did you mean "files"\?/],
  ['an unknown tool', 'permit(principal, action, resource == Tool::"files/read_fil");', /unknown tool "files\/read_fil"; did you mean "files\/read_file"\?/],
  ['a tool without an upstream', 'permit(principal, action, resource == Tool::"read_file");', /names no upstream; write Tool::"<upstream>\/<name>"/],
  ['a prompt of an unknown upstream', 'permit(principal, action, resource == Prompt::"fils/x");', /unknown upstream "fils"/],
  ['an unknown action', 'permit(principal, action == Action::"tools/cal", resource);', /^test\.cedar:1:29: unknown action "tools\/cal"; did you mean "tools\/call"\?/],
  ['an unknown entity type', 'permit(principal, action, resource == Toool::"files/read_file");', /unrecognized entity type `Toool`; did you mean `Tool`\?/],
  ['an unknown attribute', 'permit(principal, action, resource) when { principal.tenat == "x" };', /attribute `tenat` .*; did you mean `tenant`\?/],
  ['an unknown field of the context', `permit(principal, ${READ_FILE}) when { context.adress == ip("::1") };`, /adress/],
  ['a wrong type', 'permit(principal, action, resource) when { principal.tenant == 1 };', /not compatible/],
  ['an argument that the tool does not have', `permit(principal, ${READ_FILE}) when { context.args.pth == "x" };`, /tool "files\/read_file" has no argument "pth"; did you mean "path"\?/],
  ['an argument that one reachable tool does not have', `permit(principal, ${FILES}) when { context.args.content == "x" };`, /tool "files\/read_file" has no argument "content"/],
  ['a misspelt nested argument', `permit(principal, ${READ_FILE}) when { context.args has deep && context.args.deep.flg };`, /flg/],
  ['an argument of the wrong type', `permit(principal, ${READ_FILE}) when { context.args.path > 3 };`, /for tool "files\/read_file"/],
  ['an argument of several types', `permit(principal, ${READ_FILE}) when { context.args.odd == "x" };`, /is one of several types \(string, number\); conditions can read strings/],
  ['an optional argument without has', `permit(principal, ${READ_FILE}) when { context.args.count == 1 };`, /context\.args has count/],
  ['a test for an argument that no tool has', `permit(principal, ${FILES}) when { context.args has pth };`, /can never apply/],
  ['arguments of something that is no tool call', 'permit(principal, action == Action::"connect", resource) when { context.args.path == "x" };', /`args`|`path`/],
  ['an action that does not act on the resource', 'permit(principal, action == Action::"tools/call", resource == Prompt::"files/x");', /can never apply/],
  ['a condition that cannot hold', 'permit(principal, action, resource) when { false };', /can never apply/],
  ['an integer that is not exact', 'permit(principal, action, resource) when { 9007199254740993 == 1 };', /limited to 2\^53/],
  ['an address that is none', `permit(principal, ${READ_FILE}) when { context.address.isInRange(ip("10.0.0.0/33")) };`, /extension function/],
  ['a kind of credential that there is none of', 'permit(principal, action, resource) when { principal.credential == "cert" };', /^test\.cedar:1:68: principal\.credential is never "cert"; /],
  ['one among others', 'permit(principal, action, resource) when { ["jwt", "apikey"].contains(principal.credential) };', /principal\.credential is never "apikey"; did you mean "api-key"\?/],
  ['an era that there is none of', 'forbid(principal, action, resource) when { "old" != context.era };', /context\.era is never "old"/],
  ['a method of signing in that is tested without has', 'permit(principal, action, resource) when { principal.amr.contains("mfa") };', /amr/],
  ['a set that is compared with one method', 'permit(principal, action, resource) when { principal has amr && principal.amr == "mfa" };', /not compatible/],
  ['a misspelt strength', 'permit(principal, action, resource) when { principal.senderConstraind };', /senderConstrained/],
  ['a template', 'permit(principal == ?principal, action, resource);', /template/],
  ['an id twice', '@id("a") permit(principal, action, resource);\n@id("a") permit(principal, action, resource);', /^test\.cedar:2:1: the id "a" is already taken at test\.cedar:1/],
]

describe('loading policies', () => {
  for (const [title, text, told] of MISTAKES) {
    it(`refuses ${title}`, async () => {
      const problems = await problemsOf(text)
      assert.match(problems.map(formatPolicyProblem).join('\n'), told)
    })
  }

  it('tells every mistake at once, in the order of the files, at the right place after other scripts', async () => {
    const text = `// häß 😀\npermit(principal, action, resource) when { "é😀" == principal.idd };\n\npermit(principal in Role::"nobody", action, resource);\n`
    const problems = await problemsOf(text)
    assert.deepEqual(
      problems.map(({ line, column }) => [line, column]),
      [
        [2, 53],
        [4, 21],
      ],
    )
  })

  it('names policies by @id or by file and line', async () => {
    const engine = await load(
      '@id("first") permit(principal, action, resource);\n\npermit(principal, action, resource);',
    )
    assert.deepEqual(
      engine.policies.map(({ id }) => id),
      ['first', 'test.cedar:3'],
    )
  })

  it('leaves conditions on arguments unchecked until the upstream has told its tools', async () => {
    const text = `permit(principal, ${READ_FILE}) when { context.args.pth == "x" };`
    const engine = await load(text, { ...VOCABULARY, tools: new Map() })
    assert.equal(effect(engine, principal([]), call('files', 'read_file'), { pth: 'x' }), 'deny')
    const told = engine.withDefinitions(TOOLS)
    assert.match(told.problems.map(formatPolicyProblem).join(), /no argument "pth"/)
    assert.equal(effect(told, principal([]), call('files', 'read_file'), { path: 'x' }), 'deny')
  })

  it('has a revision that changes with the texts and a generation that changes with the definitions', async () => {
    const [one, other] = [
      await load('permit(principal, action, resource);'),
      await load('forbid(principal, action, resource);'),
    ]
    assert.notEqual(one.revision, other.revision)
    const next = one.withDefinitions(TOOLS)
    assert.equal(next.revision, one.revision)
    assert.notEqual(next.generation, one.generation)
  })

  it('loads nothing at all into an engine that denies everything', async () => {
    const engine = await loadPolicies([], { roles: [], upstreams: ['files', 'web'], tools: TOOLS })
    assert.equal(effect(engine, principal(['administrator']), call('files', 'read_file'), { path: 'x' }), 'deny')
  })
})

describe('definitions that change while policies are in force', () => {
  const renamed = tool('files', 'read_file', { file: { type: 'string' } }, { required: ['file'] })

  it('take a permit away from the tool that no longer has the argument, and from no other', async () => {
    const engine = await load(`permit(principal, ${FILES}) when { context.args.path like "/demo/*" };`)
    const next = engine.withDefinitions(
      new Map([
        ['files', [renamed, WRITE]],
        ['web', [FETCH]],
      ]),
    )
    assert.equal(next.problems.length, 1)
    assert.equal(effect(next, principal([]), call('files', 'read_file'), { path: '/demo/a' }), 'deny')
    assert.equal(effect(next, principal([]), call('files', 'write_file'), { path: '/demo/a' }), 'allow')
  })

  it('make a forbid that can no longer be evaluated refuse the tool', async () => {
    const engine = await load(
      `permit(principal, action, resource); forbid(principal, ${READ_FILE}) when { context.args.path == "x" };`,
    )
    assert.equal(effect(engine, principal([]), call('files', 'read_file'), { path: 'y' }), 'allow')
    const next = engine.withDefinitions(new Map([['files', [renamed]]]))
    assert.equal(effect(next, principal([]), call('files', 'read_file'), { file: 'y' }), 'deny')
    assert.equal(
      engine.decide({
        principal: principal([]),
        aim: call('files', 'read_file'),
        circumstances: NOON,
        args: { path: 'y' },
      }).effect,
      'allow',
    )
  })

  it('deny a tool that is gone, although a policy names it', async () => {
    const engine = await load(`permit(principal, ${READ_FILE});`)
    const next = engine.withDefinitions(new Map([['files', [WRITE]]]))
    assert.equal(effect(next, principal([]), call('files', 'read_file')), 'deny')
    assert.equal(
      effect(next.withDefinitions(new Map([['files', [READ]]])), principal([]), call('files', 'read_file')),
      'allow',
    )
  })
})
