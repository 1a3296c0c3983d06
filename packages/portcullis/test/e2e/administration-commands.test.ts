/** Commands ask the gateway that runs, and do the work themselves when none does: either way the chain tells of it. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { stringify } from 'yaml'
import { takeLock } from '../../src/audit/lock.ts'
import { withEmbedded } from '../../src/cli/admin-embedded.ts'
import { runCommand } from '../../src/cli/main.ts'
import { parseConfig } from '../../src/config/load.ts'
import { chainFolder } from '../../src/audit/ledger.ts'
import type { AuditRecord } from '../../src/audit/record.ts'
import { recordsOf, verdictsOf } from '../fixtures/audit.ts'
import { createTestIdentity } from '../fixtures/certificate.ts'
import { callTool, modern, openSession, stream } from '../fixtures/client.ts'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '../fixtures/gateway.ts'

interface Ran {
  readonly status: number
  readonly out: readonly string[]
  readonly err: string
}

function operator(folder: string, environment: Readonly<Record<string, string>> = {}) {
  return async (...args: readonly string[]): Promise<Ran> => {
    const [out, err]: [string[], string[]] = [[], []]
    const status = await runCommand(args, {
      out: (line) => out.push(line),
      err: (line) => err.push(line),
      environment: { ...(folder !== '' && { PORTCULLIS_CONFIG: join(folder, 'portcullis.yaml') }), ...environment },
      clock: { now: () => Date.now() },
      interrupted: new AbortController().signal,
    })
    return { status, out, err: err.join('\n') }
  }
}

async function scene(t: TestContext, options: Partial<TestGatewayOptions> = {}) {
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-commands-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const usual = { upstreams: [{ name: 'one', url: upstream.url }], policy: 'permit (principal, action, resource);' }
  const gateway = await startTestGateway({ ...usual, folder, ...options })
  let closed = false
  const stop = async () => {
    if (!closed) await gateway.close()
    closed = true
  }
  t.after(stop)
  return { upstream, folder, gateway, stop, run: operator(folder) }
}

/** Somebody on this host who answers like a gateway and notes which keys come. */
async function listening(t: TestContext, answer: () => string = () => '{"keys":[]}') {
  const heard: string[] = []
  const server = createServer((request, response) => {
    heard.push(String(request.headers.authorization))
    response.end(answer())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return { heard, port, url: `http://127.0.0.1:${port}` }
}

type Change = Extract<AuditRecord, { kind: 'change' }>
const changesOf = (gateway: TestGateway): readonly Change[] =>
  recordsOf(gateway).filter((record): record is Change => record.kind === 'change')

describe('commands beside a running gateway', { timeout: 60_000 }, () => {
  it('are the requests of an administrator: they hold at once, and the chain names the key', async (t) => {
    const { run, gateway } = await scene(t)
    const created = await run('key', 'create', '-n', 'robot', '-r', 'user', '--json')
    assert.equal(created.status, 0, created.err)
    const { key, id } = JSON.parse(created.out[0] ?? '') as { key: string; id: string }
    const { body, headers } = modern('subscriptions/listen', { notifications: { toolsListChanged: true } })
    const open = await stream(gateway, body, { token: key, headers })
    await open.until(/subscriptions\/acknowledged/)
    assert.equal((await run('key', 'revoke', id)).status, 0)
    assert.equal((await callTool(gateway, 'echo', {}, { token: key })).status, 401)
    await open.ended
    const by = (await gateway.recordOf(gateway.token))?.principal
    assert.deepEqual(
      changesOf(gateway).map((change) => [change.what, change.by, change.detail?.['id']]),
      [
        ['key.created', by, id],
        ['key.revoked', by, id],
      ],
    )
    assert.equal((await run('key', 'revoke', id)).status, 1)
    assert.match((await run('key', 'list')).out.join('\n'), /robot +user +revoked/)
  })

  it('show and end sessions, restart upstreams, suspend tenants and revoke principals', async (t) => {
    const { run, gateway } = await scene(t)
    const token = await gateway.issue(['user'], { tenant: 'acme' })
    await openSession(gateway, { token })
    const listed = await run('session', 'list', '-t', 'acme', '--json')
    const session = JSON.parse(listed.out[0] ?? '') as { id: string; principal: string }
    assert.equal((await run('session', 'end', session.id)).status, 1, 'it is of another tenant')
    assert.equal((await run('session', 'end', session.id, '-t', 'acme')).status, 0)
    assert.deepEqual((await run('session', 'list', '-t', 'acme', '--json')).out, [])
    assert.equal((await run('revoke', 'principal', session.principal, '-t', 'acme')).status, 0)
    assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 401)
    assert.match((await run('revoke', 'list', '-t', 'acme')).out.join('\n'), /principal +key:/)
    assert.equal((await run('tenant', 'suspend', 'acme', '--reason', 'unpaid')).status, 0)
    const other = await gateway.issue(['user'], { tenant: 'acme' })
    assert.equal((await callTool(gateway, 'echo', {}, { token: other })).status, 401)
    assert.equal((await run('tenant', 'resume', 'acme')).status, 0)
    assert.match((await run('upstream', 'list')).out.join('\n'), /one +modern/)
    assert.equal((await run('upstream', 'restart', 'one')).status, 0)
    assert.equal((await run('upstream', 'restart', 'two')).status, 1)
    assert.match((await run('role', 'list')).out.join('\n'), /admin +administrator +1/)
    assert.match((await run('policy', 'list')).out.join('\n'), /permit +access\.cedar:1/)
    assert.match((await run('tenant', 'list')).out.join('\n'), /default +active +one/)
  })

  it('need a key that is accepted, and a role that may', async (t) => {
    const { folder, gateway } = await scene(t, {
      config: { policy: { files: ['access.cedar'], roles: ['admin', 'user'], builtin: ['auditor'] } },
    })
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
      return join(folder, name)
    }
    const foreign = await operator(folder, { PORTCULLIS_KEY_FILE: file('foreign', 'pcl_none') })('key', 'list')
    assert.deepEqual([foreign.status, foreign.out], [77, []])
    assert.match(foreign.err, /does not accept this key/)
    const auditor = file('auditor', await gateway.issue(['auditor']))
    const run = operator(folder)
    assert.equal((await run('key', 'list', '--key-file', auditor)).status, 0)
    const refused = await run('key', 'create', '-n', 'x', '-r', 'user', '--key-file', auditor)
    assert.equal(refused.status, 77)
    assert.match(refused.err, /needs the role administrator/)
    const user = await run('key', 'list', '--key-file', file('user', await gateway.issue(['user'])))
    assert.equal(user.status, 1)
    writeFileSync(join(folder, 'open'), 'x', { mode: 0o644 })
    assert.equal((await run('key', 'list', '--key-file', join(folder, 'open'))).status, 69, 'others can read it')
    rmSync(join(folder, 'state', 'admin.key'))
    assert.match((await run('key', 'list')).err, /name the file of a key/)
    assert.deepEqual(changesOf(gateway), [])
  })

  it('reach it from elsewhere by its URL, and send the key to nobody else', async (t) => {
    const { folder, gateway } = await scene(t)
    const key = join(folder, 'state', 'admin.key')
    const afar = operator('')
    const named = ['--url', gateway.origin, '--key-file', key]
    const untrusted = await afar('key', 'list', ...named)
    assert.equal(untrusted.status, 69, untrusted.err)
    assert.equal((await afar('key', 'list', ...named, '--ca', gateway.caFile)).status, 0)
    const config = operator(folder)
    assert.equal((await config('key', 'list', ...named, '--ca', gateway.caFile)).status, 0)
    assert.equal((await config('key', 'list', ...named)).status, 0, 'the authority is in the state folder')
    for (const url of ['http://example.com', 'ftp://127.0.0.1', 'nonsense'])
      assert.equal((await config('key', 'list', '--url', url, '--key-file', key)).status, 2, url)
  })

  it('send the key of the state folder to the gateway of the configuration alone', async (t) => {
    const { folder, gateway, run } = await scene(t)
    const { port } = new URL(gateway.origin)
    assert.equal((await run('key', 'list', '--url', `https://localhost:${port}`)).status, 0)
    const other = await scene(t)
    const elsewhere = await run('key', 'list', '--url', other.gateway.origin, '--ca', other.gateway.caFile)
    assert.deepEqual([elsewhere.status, elsewhere.out], [2, []])
    assert.match(elsewhere.err, /name the file of a key/)
    const { heard, url } = await listening(t)
    for (const where of [url, url.replace('127.0.0.1', 'localhost')]) {
      const asked = await operator(folder, { PORTCULLIS_URL: where })('key', 'list')
      assert.equal(asked.status, 2, asked.err)
    }
    assert.deepEqual(heard, [])
  })

  it('believe no certificate because the environment says so', async (t) => {
    const { folder, gateway } = await scene(t)
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    t.after(() => {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
    })
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    const named = ['--url', gateway.origin, '--key-file', join(folder, 'state', 'admin.key')]
    assert.equal((await operator('')('key', 'list', ...named)).status, 69)
  })

  it('show what a gateway says without its control characters, and end when its pages do not', async (t) => {
    const { folder } = await scene(t)
    const key = { id: 'a\u001b[2J', name: '\u202ex', roles: ['r\u0007'], createdAt: 1 }
    const pages = await listening(t, () => JSON.stringify({ keys: [key], next: 'again' }))
    const page = await listening(t, () => JSON.stringify({ keys: [key] }))
    const at = (url: string) =>
      operator('')('key', 'list', '--url', url, '--key-file', join(folder, 'state', 'admin.key'))
    const endless = await at(pages.url)
    assert.deepEqual([endless.status, endless.out, pages.heard.length], [69, [], 2])
    const { status, out } = await at(page.url)
    assert.equal(status, 0)
    assert.doesNotMatch(out.join(''), /[\p{Cc}\p{Cf}]/u)
  })

  it('leave it to that gateway which roles it knows', async (t) => {
    const { gateway, folder } = await scene(t)
    const elsewhere = mkdtempSync(join(tmpdir(), 'portcullis-elsewhere-'))
    t.after(() => rmSync(elsewhere, { recursive: true, force: true }))
    writeFileSync(join(elsewhere, 'none.cedar'), '')
    const config = { version: 1, state: 'state', policy: { files: ['none.cedar'] }, upstreams: {} }
    writeFileSync(join(elsewhere, 'portcullis.yaml'), stringify(config))
    const named = ['--url', gateway.origin, '--key-file', join(folder, 'state', 'admin.key'), '--ca', gateway.caFile]
    const made = await operator(elsewhere)('key', 'create', '-n', 'x', '-r', 'user', ...named)
    assert.equal(made.status, 0, made.err)
    assert.equal((await operator(elsewhere)('key', 'create', '-n', 'x', '-r', 'nobody', ...named)).status, 2)
  })

  it('know a certificate of the house by itself, and no other', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-own-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const own = await createTestIdentity(['gateway.example'])
    t.after(() => own.remove())
    writeFileSync(join(folder, 'own.crt'), own.cert, { mode: 0o644 })
    writeFileSync(join(folder, 'own.key'), own.key, { mode: 0o600 })
    const tls = { certificate: { file: 'own.crt' }, key: { file: 'own.key' } }
    const { gateway } = await scene(t, {
      folder,
      config: { listen: { port: 0, tls, publicUrl: 'https://gateway.example' } },
    })
    assert.equal(gateway.origin, 'https://gateway.example')
    const listed = await operator(folder)('key', 'list', '--json')
    assert.equal(listed.status, 0, listed.err)
    assert.equal(listed.out.length, 1)
    const other = await createTestIdentity(['gateway.example'])
    t.after(() => other.remove())
    writeFileSync(join(folder, 'own.crt'), other.cert)
    writeFileSync(join(folder, 'own.key'), other.key)
    const impostor = await operator(folder)('key', 'list')
    assert.equal(impostor.status, 69, impostor.err)
  })

  it('speak to it as the configuration says, also when a proxy stands before it', async (t) => {
    const listen = { port: 0, plaintext: 'loopback-only', publicUrl: 'https://gateway.example' }
    const { run } = await scene(t, { config: { listen } })
    const listed = await run('key', 'list', '--json')
    assert.equal(listed.status, 0, listed.err)
    assert.equal(listed.out.length, 1)
  })

  it('send no key where the note of somebody else leads', async (t) => {
    const { run, folder } = await scene(t)
    const { heard, port } = await listening(t)
    const state = join(folder, 'state')
    const note = JSON.stringify({ url: 'http://localhost', port })
    writeFileSync(join(state, 'gateway.json'), note)
    assert.equal((await run('key', 'list')).status, 69)
    chmodSync(state, 0o777)
    assert.match((await run('key', 'list')).err, /open to others/)
    chmodSync(state, 0o700)
    assert.deepEqual(heard, [])
  })

  it('reach what lives in its memory', async (t) => {
    const { run, stop, gateway } = await scene(t, { config: { store: { kind: 'memory' } } })
    const refused = await run('key', 'list')
    assert.equal(refused.status, 77, 'its keys are not those of the file')
    await stop()
    assert.match((await run('key', 'list')).err, /lives inside the gateway/)
    assert.ok(gateway)
  })
})

describe('commands without a gateway', { timeout: 60_000 }, () => {
  it('record what they change in the chain that the gateway goes on with', async (t) => {
    const { run, stop, folder, gateway, upstream } = await scene(t)
    await stop()
    const created = await run('key', 'create', '-n', 'robot', '-r', 'user', '--json')
    assert.equal(created.status, 0, created.err)
    const { key, id } = JSON.parse(created.out[0] ?? '') as { key: string; id: string }
    const [change] = changesOf(gateway)
    assert.match(String(change?.by), /^cli:/)
    assert.partialDeepStrictEqual(change, { what: 'key.created', tenant: 'default', detail: { id, byTenant: '@host' } })
    const records = recordsOf(gateway).length
    await run('key', 'list')
    assert.equal(recordsOf(gateway).length, records, 'who looks writes nothing')
    const again = await startTestGateway({
      upstreams: [{ name: 'one', url: upstream.url }],
      folder,
      policy: 'permit (principal, action, resource);',
    })
    t.after(() => again.close())
    assert.equal((await callTool(again, 'echo', {}, { token: key })).status, 200)
    for (const verdict of verdictsOf(again).values()) assert.equal(verdict.sound, true)
  })

  it('change nothing in any tenant once a gateway has come in between', async (t) => {
    const { stop, folder, gateway } = await scene(t)
    await stop()
    const file = join(folder, 'portcullis.yaml')
    const config = parseConfig(readFileSync(file, 'utf8'), file, {})
    const terminal = { out() {}, err() {}, environment: {}, clock: { now: () => Date.now() } }
    const making = withEmbedded(config, { ...terminal, interrupted: new AbortController().signal }, async (send) => {
      const lock = takeLock(join(gateway.auditFolder, 'default'), Date.now())
      const body = { name: 'robot', roles: ['user'] }
      return send({ method: 'POST', path: '/keys', query: { tenant: 'acme' }, body }).finally(() => lock.release())
    })
    await assert.rejects(making, { name: 'ChainInUse' })
    assert.deepEqual((await operator(folder)('key', 'list', '-t', 'acme', '--json')).out, [])
  })

  it('change nothing when the chain cannot be written', async (t) => {
    const { run, stop, folder, gateway } = await scene(t)
    await stop()
    const chain = join(folder, 'state', 'audit', chainFolder('default'))
    rmSync(chain, { recursive: true })
    writeFileSync(chain, 'not a folder')
    const refused = await run('key', 'create', '-n', 'robot', '-r', 'user')
    assert.notEqual(refused.status, 0)
    assert.deepEqual(refused.out, [])
    rmSync(chain)
    const listed = await run('key', 'list', '--json')
    assert.equal(listed.out.length, 1, 'only the first administrator')
    assert.ok(gateway)
  })

  it('take turns: of ten at once each works or says that another does', async (t) => {
    const { run, stop, gateway } = await scene(t)
    await stop()
    const ran = await Promise.all(
      Array.from({ length: 10 }, (_, at) => run('key', 'create', '-n', `k${at}`, '-r', 'user')),
    )
    const worked = ran.filter(({ status }) => status === 0).length
    assert.ok(worked >= 1)
    for (const { status, err } of ran) if (status !== 0) assert.equal(status, 69, err)
    assert.equal(changesOf(gateway).filter(({ what }) => what === 'key.created').length, worked)
    assert.equal((await run('key', 'list', '--json')).out.length, worked + 1)
    for (const verdict of verdictsOf(gateway, 'at-rest').values()) assert.equal(verdict.sound, true)
  })
})
