/** Failing open: what cannot be recorded, judged, checked or confined is refused, and does not happen. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PolicyError } from '../../src/policy/problem.ts'
import { ConfigError } from '../../src/config/problem.ts'
import { type CountedTool, type CountingUpstream, ECHO, startCounting } from '../fixtures/counting-upstream.ts'
import { ask, callTool, send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '../fixtures/gateway.ts'
import { serveFrom } from '../fixtures/served.ts'

interface Site {
  readonly upstream: CountingUpstream
  readonly gateway: TestGateway
}

async function site(
  t: TestContext,
  tools?: readonly CountedTool[],
  options?: Partial<TestGatewayOptions>,
): Promise<Site> {
  const upstream = await startCounting(tools)
  t.after(() => upstream.close())
  const gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }], ...options })
  t.after(() => gateway.close())
  return { upstream, gateway }
}

test('with a full disk under the audit chain every call is refused before it happens', async (t) => {
  const upstream = await startCounting()
  t.after(() => upstream.close())
  // The audit folder is a file system of 256 KiB in a view of this machine that only the gateway has.
  const served = await serveFrom(t, [{ name: 'one', url: upstream.url }], (folder) => {
    const audit = join(folder, 'state', 'audit')
    mkdirSync(audit, { mode: 0o700, recursive: true })
    return [
      'bwrap',
      '--die-with-parent',
      '--dev-bind',
      '/',
      '/',
      '--size',
      '262144',
      '--perms',
      '0700',
      '--tmpfs',
      audit,
      '--',
    ]
  })
  let answered = 0
  let refused = 0
  for (let call = 0; call < 2_000 && refused < 20; call++) {
    const reply = await callTool(served, 'echo', { text: 'x' })
    if (reply.status === 200) {
      answered++
      assert.equal(refused, 0, 'a full disk stays full')
      continue
    }
    assert.deepEqual([reply.status, reply.json.error.data.code], [503, 'audit.unavailable'], reply.text)
    assert.ok(!reply.text.includes('"text":"x"'), 'the answer of the upstream does not leave')
    refused++
  }
  assert.ok(answered > 0 && refused === 20, `${answered} answered, ${refused} refused`)
  // The one call during which the disk filled was on its way already; its answer was kept back.
  assert.ok(upstream.count() - answered <= 1, `${upstream.count()} calls, ${answered} answers`)
  assert.equal((await ask(served, 'tools/list')).status, 503)
})

/** Title, what is done to each file of the store. */
const STORE_LOSSES: readonly (readonly [string, (file: string) => void])[] = [
  ['is overwritten', (file) => writeFileSync(file, Buffer.alloc(262_144, 0xa5))],
  ['is removed', (file) => rmSync(file)],
  ['is replaced by another one', (file) => renameSync(replacement(file), file)],
]

const replacement = (file: string): string => {
  copyFileSync(file, `${file}.new`)
  return `${file}.new`
}

describe('when the store of a running gateway', { concurrency: true }, () => {
  for (const [what, lose] of STORE_LOSSES) {
    test(`${what}, nobody new gets in, and soon nobody at all`, async (t) => {
      const { upstream, gateway } = await site(t)
      const later = await gateway.issue(['admin'])
      assert.equal((await callTool(gateway, 'echo', {})).status, 200)
      const files = readdirSync(gateway.stateFolder).filter((file) => file.startsWith('store.sqlite'))
      for (const name of files) lose(join(gateway.stateFolder, name))
      const calls = upstream.count()
      const reply = await callTool(gateway, 'echo', {}, { token: later })
      assert.deepEqual([reply.status, reply.json.error.data.code], [503, 'identity.unavailable'])
      assert.equal(upstream.count(), calls)
      // A remembered credential is believed for as long as the last news of revocations are fresh, and no longer.
      let status = 200
      while (status === 200) {
        await sleep(100)
        status = (await ask(gateway, 'server/discover')).status
      }
      assert.equal(status, 503)
    })
  }
})

const BAD_SCHEMAS: readonly (readonly [string, object])[] = [
  ['an unknown type', { type: 'object', properties: { a: { type: 'nonsense' } } }],
  ['a reference into nothing', { type: 'object', properties: { a: { $ref: '#/$defs/none' } } }],
  ['a reference to another host', { type: 'object', properties: { a: { $ref: 'https://other.example/schema' } } }],
  ['a pattern that is none', { type: 'object', properties: { a: { type: 'string', pattern: '(' } } }],
  [
    'a pattern that cannot run in linear time',
    { type: 'object', properties: { a: { type: 'string', pattern: '(a)\\1' } } },
  ],
  ['a keyword of the wrong kind', { type: 'object', properties: { a: { minLength: 'x' } } }],
]

test('a schema that does not compile makes its tool unavailable, and no other', async (t) => {
  const bad = BAD_SCHEMAS.map(([, inputSchema], at) => ({ name: `bad${at}`, inputSchema }))
  const { upstream, gateway } = await site(t, [ECHO, ...bad])
  const listed = (await ask(gateway, 'tools/list')).json.result.tools.map(({ name }: { name: string }) => name)
  assert.deepEqual(listed, ['echo'])
  for (const [at, [title]] of BAD_SCHEMAS.entries()) {
    for (const args of [{}, { a: 'x' }]) {
      const reply = await callTool(gateway, `bad${at}`, args)
      assert.equal(reply.json.result.isError, true, title)
      assert.equal(reply.json.result._meta['dev.portcullis/code'], 'arguments.unavailable', title)
    }
  }
  assert.equal(upstream.count(), 0)
  assert.equal((await callTool(gateway, 'echo', { text: 'x' })).json.result.isError, undefined)
})

const UNKNOWN: readonly (readonly [string, string])[] = [
  ['a role', 'permit (principal in Role::"admni", action, resource);'],
  ['an upstream', 'permit (principal, action, resource in Upstream::"oen");'],
  ['a tool', 'permit (principal, action, resource == Tool::"one/ehco");'],
  ['an action', 'permit (principal, action == Action::"tools/cal", resource);'],
  ['a type', 'permit (principal, action, resource is Tol);'],
  ['an attribute', 'permit (principal, action, resource) when { principal.rolse.contains("admin") };'],
  ['a circumstance', 'permit (principal, action, resource) when { context.adress == ip("127.0.0.1") };'],
  [
    'an argument',
    'forbid (principal, action == Action::"tools/call", resource == Tool::"one/echo") when { context.args has txet };',
  ],
  ['a function', 'permit (principal, action, resource) when { context.address.isPrivate() };'],
  ['a keyword', 'permti (principal, action, resource);'],
  ['a template', 'permit (principal == ?principal, action, resource);'],
]

for (const [what, policy] of UNKNOWN) {
  test(`a policy that names ${what} that does not exist stops the start`, async (t) => {
    await assert.rejects(site(t, undefined, { policy }), PolicyError)
  })
}

/** Title, a part of the configuration that must not be taken. */
const SPELLINGS: readonly (readonly [string, object, RegExp])[] = [
  ['an unknown key', { traffic: { rates: {} } }, /rates/],
  ['plain text on all interfaces', { listen: { host: '0.0.0.0', plaintext: 'loopback-only' } }, /loopback/],
  ['all interfaces without a public name', { listen: { host: '::' } }, /publicUrl/],
  ['a yes to plain text', { listen: { plaintext: true } }, /plaintext/],
  ['plain text to another host', { upstreams: { a: { http: { url: 'http://other.example/mcp' } } } }, /plaintext/],
  ['a credential in a URL', { upstreams: { a: { http: { url: 'https://user:pw@other.example/mcp' } } } }, /url/],
  [
    'a credential in the file',
    { upstreams: { a: { http: { url: 'https://o.example/mcp', headers: { authorization: 'x' } } } } },
    /authorization/,
  ],
  ['a secret that is not set', headerFrom({ env: 'PORTCULLIS_TEST_NOT_SET' }), /not set/],
  ['a secret that is empty', headerFrom({ env: 'PORTCULLIS_TEST_EMPTY' }), /not set/],
  ['an issuer over plain text', { identity: { issuers: [{ issuer: 'http://issuer.example' }] } }, /issuer/],
  [
    'a symmetric algorithm',
    { identity: { issuers: [{ issuer: 'https://i.example', algorithms: ['HS256'] }] } },
    /algorithms/,
  ],
  ['no algorithm', { identity: { issuers: [{ issuer: 'https://i.example', algorithms: ['none'] }] } }, /algorithms/],
  ['policies that are not there', { policy: { files: ['none/*.cedar'] } }, /none/],
  ['an unknown sandbox', { upstreams: { a: { stdio: { command: 'cat', sandbox: { driver: 'docker' } } } } }, /driver/],
]

function headerFrom(source: object): object {
  return { upstreams: { a: { http: { url: 'https://o.example/mcp', headers: { authorization: source } } } } }
}

for (const [what, config, told] of SPELLINGS) {
  test(`${what} in the configuration stops the start`, async (t) => {
    const environment = { PORTCULLIS_TEST_EMPTY: '' }
    await assert.rejects(site(t, undefined, { config: { ...config }, environment }), (thrown) => {
      assert.ok(thrown instanceof ConfigError, String(thrown))
      assert.match(thrown.problems.map(({ path, wrong, right }) => `${path} ${wrong} ${right}`).join('\n'), told)
      return true
    })
  })
}

test('a secret in a file that others can read stops the start', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-secret-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'token')
  writeFileSync(file, 'secret', { mode: 0o644 })
  await assert.rejects(site(t, undefined, { config: headerFrom({ file }) as Record<string, unknown> }), ConfigError)
})

test('without a policy that permits it nothing is allowed', async (t) => {
  for (const policy of ['', 'forbid (principal, action, resource);']) {
    const { upstream, gateway } = await site(t, undefined, { policy })
    const earlier = upstream.count()
    assert.equal((await callTool(gateway, 'echo', {})).json.error.code, -32602)
    assert.equal((await send(gateway, { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} })).status, 403)
    assert.equal(upstream.count(), earlier)
  }
})
