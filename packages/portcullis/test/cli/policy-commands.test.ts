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
  assert.match(
    allowed.out.join('\n'),
    /^allow in tenant default: A policy permits it\.\n {2}readers \(.*access\.cedar:2\)$/,
  )
  const denied = await run(...ask, '--args', '{"path":"/closed/a"}')
  assert.equal(denied.status, 1)
  assert.match(
    denied.out.join('\n'),
    /^deny in tenant default: No policy permits it\.\n {2}nearest readers .* condition: .*path/,
  )
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

const TENANTS = `policy: { files: ["policies/access.cedar"], builtin: [reader] }
tenants:
  acme: { upstreams: [files], policy: { files: ["acme.cedar"] } }
  empty: { upstreams: [] }
`

function tenantDesk(
  context: TestContext,
): Desk & { readonly tools: string; ask(...more: string[]): ReturnType<Desk['run']> } {
  const made = desk(context, CONFIG + TENANTS)
  const tools = join(made.folder, 'tools.json')
  writeFileSync(join(made.folder, 'policies', 'access.cedar'), POLICY)
  writeFileSync(
    join(made.folder, 'acme.cedar'),
    '@id("two-factors") forbid (principal, action, resource) unless { principal has amr && principal.amr.contains("mfa") };',
  )
  writeFileSync(tools, JSON.stringify(TOOLS))
  const args = [
    'policy',
    'explain',
    '-r',
    'admin',
    '-a',
    'tools/call',
    '-u',
    'files',
    '--target',
    'read',
    '--tools',
    tools,
  ]
  return { ...made, tools, ask: (...more) => made.run(...args, ...more) }
}

test('check counts the policies of each tenant, ready-made ones included', async (context) => {
  const { run, tools } = tenantDesk(context)
  const { status, out, err } = await run('policy', 'check', '--tools', tools)
  assert.equal(status, 0, err.join('\n'))
  assert.match(
    out.join('\n'),
    /^5 policies are valid.*\n {2}1 of them only in tenant acme\n {2}0 of them only in tenant empty$/,
  )
  const told = await run('policy', 'check', '--tools', tools, '--json')
  assert.deepEqual(JSON.parse(told.out.join('')).tenants, { acme: 1, empty: 0 })
})

test('explain names the tenant, its policy, and how the caller signed in', async (context) => {
  const { ask } = tenantDesk(context)
  const denied = await ask('-t', 'acme')
  assert.equal(denied.status, 1)
  assert.match(
    denied.out.join('\n'),
    /^deny in tenant acme: A policy forbids it\.\n {2}two-factors \(.*acme\.cedar:1, only in acme\)$/,
  )
  const allowed = await ask('-t', 'acme', '--credential', 'jwt', '--amr', 'pwd', 'mfa')
  assert.equal(allowed.status, 0, allowed.err.join('\n'))
  assert.match(allowed.out.join('\n'), /^allow in tenant acme: .*\n {2}admins /)
  const empty = await ask('-t', 'empty')
  assert.equal(empty.status, 1)
  assert.deepEqual(empty.out, ['deny in tenant empty: The tenant empty has no upstream files.'])
})

for (const [what, more, says] of [
  ['a tenant', ['-t', 'acmee'], /there is no tenant "acmee"; known are acme, empty/],
  ['no tenant', [], /there is no tenant "default"/],
  ['a kind of credential', ['-t', 'acme', '--credential', 'cert'], /there is no kind of credential "cert"/],
] as const) {
  test(`explain refuses ${what} that does not exist`, async (context) => {
    const { status, err } = await tenantDesk(context).ask(...more)
    assert.equal(status, 2)
    assert.match(err.join('\n'), says)
  })
}

test('policy tests know tenants, ready-made roles and how the caller signed in', async (context) => {
  const { run, tools, folder } = tenantDesk(context)
  const file = join(folder, 'cases.json')
  const read = { upstream: 'files', tool: 'read', args: { path: '/open/a' } }
  const by = (more: object) => ({ roles: ['user'], tenant: 'acme', credential: 'jwt', ...more })
  const cases = [
    { name: 'with two', expect: 'allow', policy: 'readers', principal: by({ amr: ['mfa'] }), call: read },
    { name: 'with one', expect: 'hidden', policy: 'two-factors', principal: by({ amr: ['pwd'] }), call: read },
    { name: 'elsewhere', expect: 'hidden', principal: by({ tenant: 'empty', amr: ['mfa'] }), call: read },
    {
      name: 'reader',
      expect: 'allow',
      policy: 'role.reader',
      principal: by({ roles: ['reader'], amr: ['mfa'] }),
      call: { upstream: 'files', prompt: 'x' },
    },
  ]
  writeFileSync(file, JSON.stringify(cases))
  const good = await run('policy', 'test', file, '--tools', tools)
  assert.equal(good.status, 0, [...good.out, ...good.err].join('\n'))
  writeFileSync(file, JSON.stringify([{ ...cases[0], principal: by({ tenant: 'nobody' }) }]))
  const bad = await run('policy', 'test', file, '--tools', tools)
  assert.equal(bad.status, 2)
  assert.match(bad.err.join('\n'), /with two: there is no tenant "nobody"/)
})

test('a key is made only for a tenant, its roles and its upstreams', async (context) => {
  const { run } = tenantDesk(context)
  const create = (...more: string[]) => run('key', 'create', '-n', 'x', ...more)
  for (const [more, says] of [
    [['-r', 'admin'], /there is no tenant "default"/],
    [['-r', 'admin', '-t', 'empty', '-u', 'files'], /there is no upstream "files"; known are none/],
    [['-r', 'nobody', '-t', 'acme'], /there is no role "nobody"; known are admin, user, reader/],
  ] as const) {
    const { status, err } = await create(...more)
    assert.equal(status, 2)
    assert.match(err.join('\n'), says)
  }
  const { status, err } = await create('-r', 'reader', '-t', 'acme', '-u', 'files')
  assert.equal(status, 0, err.join('\n'))
})
