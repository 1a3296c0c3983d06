import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { desk } from './desk.ts'
import type { Desk } from './desk.ts'

const CONFIG = 'version: 1\nstate: state\nupstreams: { files: { stdio: { command: node } } }\n'
const POLICY = `@id("admins") permit (principal in Role::"admin", action, resource);
@id("readers") permit (principal in Role::"user", action == Action::"tools/call", resource == Tool::"files/read")
when { context.args.path like "/open/*" };
`
const TOOLS = {
  files: [
    { name: 'read', inputSchema: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] } },
  ],
}

function policyDesk(context: TestContext, policy = POLICY): Desk & { readonly tools: string } {
  const made = desk(context, CONFIG)
  const tools = join(made.folder, 'tools.json')
  writeFileSync(join(made.folder, 'policies', 'access.cedar'), policy)
  writeFileSync(tools, JSON.stringify(TOOLS))
  return { ...made, tools }
}

test('sound policies are counted, and conditions on arguments are checked against the tools', async (context) => {
  const { run, tools } = policyDesk(context)
  const { status, out, err } = await run('policy', 'check', '--tools', tools)
  assert.equal(status, 0, err.join('\n'))
  assert.match(out.join(''), /2 policies are valid/)
})

test('an argument that the tool does not have is told with its place', async (context) => {
  const { run, tools } = policyDesk(context, POLICY.replace('args.path', 'args.paht'))
  const { status, err } = await run('policy', 'check', '--tools', tools)
  assert.equal(status, 3)
  assert.match(err.join('\n'), /access\.cedar:\d+:\d+: .*paht/)
})

test('explain names the deciding policy, and says deny with status 1', async (context) => {
  const { run, tools } = policyDesk(context)
  const ask = [
    'policy',
    'explain',
    '-r',
    'user',
    '-a',
    'tools/call',
    '-u',
    'files',
    '--target',
    'read',
    '--tools',
    tools,
  ]
  const allowed = await run(...ask, '--args', '{"path":"/open/a"}')
  assert.equal(allowed.status, 0, allowed.err.join('\n'))
  assert.match(allowed.out.join('\n'), /^allow: A policy permits it\.\n {2}readers \(.*access\.cedar:2\)$/)
  const denied = await run(...ask, '--args', '{"path":"/closed/a"}')
  assert.equal(denied.status, 1)
  assert.match(denied.out.join('\n'), /^deny: No policy permits it\.\n {2}nearest readers .* condition: .*path/)
})

test('policy tests pass and fail as their answers do', async (context) => {
  const { run, tools, folder } = policyDesk(context)
  const file = join(folder, 'cases.json')
  const principal = { roles: ['user'] }
  const read = (path: string) => ({ upstream: 'files', tool: 'read', args: { path } })
  const cases = [
    { name: 'open files can be read', expect: 'allow', principal, call: read('/open/a') },
    { name: 'closed files cannot', expect: 'deny', principal, call: read('/closed/a') },
  ]
  writeFileSync(file, JSON.stringify(cases))
  const good = await run('policy', 'test', file, '--tools', tools)
  assert.equal(good.status, 0, good.err.join('\n'))
  assert.deepEqual(good.out, ['2 passed, 0 failed'])
  writeFileSync(file, JSON.stringify([{ ...cases[0], expect: 'deny' }, cases[1]]))
  const bad = await run('policy', 'test', file, '--tools', tools)
  assert.equal(bad.status, 1)
  assert.match(bad.out.join('\n'), /FAILED open files can be read: expected deny, got allow by readers/)
})

const principal = { roles: ['user'] }
const call = { upstream: 'files' }
const MISTAKES: readonly (readonly [what: string, content: unknown, says: RegExp])[] = [
  ['no cases', [], /there are no cases/],
  ['an expectation that is none', [{ name: 'x', expect: 'maybe', principal, call }], /\[0\]\.expect: /],
  ['an unknown key', [{ name: 'x', expect: 'deny', principal, call, rols: [] }], /\[0\]: .*rols/],
  ['a map instead of a list', {}, /expected array/],
]

for (const [what, content, says] of MISTAKES) {
  test(`a test file with ${what} is a mistake, not a success`, async (context) => {
    const { run, folder } = policyDesk(context)
    const file = join(folder, 'cases.json')
    writeFileSync(file, JSON.stringify(content))
    const { status, err } = await run('policy', 'test', file)
    assert.equal(status, 2)
    assert.match(err.join('\n'), says)
  })
}
