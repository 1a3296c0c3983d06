/** AU-3: arguments and results are kept where a tool is named for it, sealed, for auditors alone, each reading on record. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { AuditRecord } from '../../src/audit/record.ts'
import { runCommand } from '../../src/cli/main.ts'
import { recordsOf, recordsOfIncident, verdictsOf } from '../fixtures/audit.ts'
import { callTool, send } from '../fixtures/client.ts'
import { type CountingUpstream, ECHO, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const CANARY = 'canary-of-a-payload'
const folder = mkdtempSync(join(tmpdir(), 'portcullis-payloads-'))
let upstream: CountingUpstream
let gateway: TestGateway
let auditor = ''
let operator = ''

before(async () => {
  upstream = await startCounting([ECHO, { ...ECHO, name: 'silent' }])
  const http = { url: upstream.url, plaintext: 'loopback-only' }
  const payloads = {
    arguments: true,
    results: true,
    maxBytes: 300,
    tools: { silent: { arguments: false, results: false }, mispelt: { results: true } },
  }
  gateway = await startTestGateway({
    folder,
    upstreams: [],
    policy: 'permit (principal in Role::"admin", action, resource);',
    config: {
      policy: { files: ['access.cedar'], roles: ['admin'], builtin: ['auditor', 'operator'] },
      upstreams: { counting: { trust: 'trusted', http, payloads } },
    },
  })
  auditor = await gateway.issue(['auditor'])
  operator = await gateway.issue(['operator'])
})
after(async () => {
  await gateway.close()
  await upstream.close()
  rmSync(folder, { recursive: true, force: true })
})

const call = (tool: string, text: string) => callTool(gateway, tool, { text }, { url: gateway.endpoint('counting') })
const read = (incident: string, token: string) =>
  send(gateway, undefined, { method: 'GET', url: `${gateway.origin}/admin/v1/audit/payloads/${incident}`, token })
const lastCall = (): Extract<AuditRecord, { kind: 'call' }> =>
  recordsOf(gateway).findLast((record) => record.kind === 'call') as Extract<AuditRecord, { kind: 'call' }>
const readings = () => recordsOf(gateway).filter((record) => record.kind === 'change' && record.what === 'payload.read')
const atRest = () =>
  readdirSync(gateway.auditFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('')

test('an auditor reads what was kept of a call, and that is on record before it is shown', async () => {
  await call('echo', CANARY)
  const { incident, payload } = lastCall()
  assert.ok(payload)
  const earlier = readings().length
  const { status, json } = await read(incident, auditor)
  assert.equal(status, 200, JSON.stringify(json))
  const [args, result] = json.payloads
  assert.deepEqual([args.kind, JSON.parse(args.text)], ['arguments', { text: CANARY }])
  assert.deepEqual([result.kind, result.cut], ['result', false])
  assert.ok(result.text.includes(CANARY))
  const [reading] = readings().slice(earlier)
  assert.partialDeepStrictEqual(reading, { detail: { id: incident, kinds: ['arguments', 'result'] } })
  assert.match(String(reading?.kind === 'change' && reading.by), /^key:/)
  assert.ok(!atRest().includes(CANARY), 'nothing of it lies open')
  assert.equal(verdictsOf(gateway).get('default')?.sound, true)
})

test('numbers of cards are masked before they are sealed, on both sides of a call', async () => {
  await call('echo', 'pay 4111 1111 1111 1111')
  const { json } = await read(lastCall().incident, auditor)
  assert.deepEqual(JSON.parse(json.payloads[0].text), { text: 'pay •••• •••• •••• 1111' })
  assert.ok(json.payloads[1].text.includes('•••• 1111'))
  assert.ok(!JSON.stringify(json).includes('4111 1111'))
})

test('neither an administrator nor an operator reads it, and the attempt is on record', async () => {
  const { incident } = lastCall()
  const earlier = readings().length
  for (const token of [gateway.token, operator]) {
    const { status, json, text } = await read(incident, token)
    assert.equal(status, 403)
    assert.ok(!text.includes(CANARY))
    const [refusal] = recordsOfIncident(gateway, json.error.data.incident)
    assert.partialDeepStrictEqual(refusal, {
      kind: 'refusal',
      code: 'policy.denied',
      detail: { route: 'readPayloads' },
    })
  }
  assert.equal(readings().length, earlier)
})

test('an auditor of another tenant finds nothing', async () => {
  const stranger = await gateway.issue(['auditor'], { tenant: 'acme' })
  assert.equal((await read(lastCall().incident, stranger)).status, 404)
})

test('what is longer than its limit is cut, and says how long it was', async () => {
  await call('echo', 'x'.repeat(1_000))
  const { json } = await read(lastCall().incident, auditor)
  assert.deepEqual(
    json.payloads.map(({ cut, text }: { cut: boolean; text: string }) => [cut, text.length]),
    [
      [true, 300],
      [true, 300],
    ],
  )
  assert.equal(json.payloads[0].bytes, 1_011)
})

test('of a tool that is excepted there are digests alone', async () => {
  await call('silent', CANARY)
  const { incident, payload } = lastCall()
  assert.equal(payload, undefined)
  assert.equal((await read(incident, auditor)).status, 404)
})

test('a tool that the upstream does not have is told of', () => {
  assert.ok(gateway.logged.some((line) => line.includes('payloads are asked of a tool') && line.includes('"mispelt"')))
})

test('an edited payload is found by verification, and is not shown', async () => {
  await call('echo', CANARY)
  const { incident } = lastCall()
  const payloads = join(gateway.auditFolder, 'default', 'payloads')
  const file = join(payloads, readdirSync(payloads)[0] as string)
  const text = readFileSync(file, 'utf8')
  const at = text.lastIndexOf('"sealed":"s1.') + 40
  writeFileSync(file, `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`)
  assert.equal(verdictsOf(gateway).get('default')?.sound, false)
  const { json } = await read(incident, auditor)
  writeFileSync(file, text)
  assert.deepEqual(
    json.payloads.map(({ problem }: { problem?: string }) => problem),
    [undefined, 'changed'],
  )
  assert.equal(verdictsOf(gateway).get('default')?.sound, true)
})

test('what cannot be kept is not done, and is done again once it can', async () => {
  const payloads = join(gateway.auditFolder, 'default', 'payloads')
  renameSync(payloads, `${payloads}-away`)
  const earlier = upstream.count()
  const refused = await call('echo', 'lost')
  assert.deepEqual([refused.status, refused.json.error?.data.code], [503, 'audit.unavailable'])
  assert.equal(upstream.count(), earlier, 'the upstream was not reached')
  renameSync(`${payloads}-away`, payloads)
  assert.equal((await call('echo', 'kept')).status, 200)
})

test('the command shows it to an auditor, with nothing that speaks to a terminal', async () => {
  await call('echo', `${CANARY}\u001b[31m`)
  const { incident } = lastCall()
  const keyFile = join(folder, 'auditor.key')
  writeFileSync(keyFile, auditor, { mode: 0o600 })
  const out: string[] = []
  const err: string[] = []
  const run = (...args: string[]) =>
    runCommand(args, {
      out: (line) => out.push(line),
      err: (line) => err.push(line),
      environment: { PORTCULLIS_CONFIG: join(folder, 'portcullis.yaml') },
      clock: { now: () => Date.now() },
      interrupted: new AbortController().signal,
    })
  assert.equal(await run('audit', 'payload', incident, '--key-file', keyFile), 0, err.join('\n'))
  assert.ok(out.join('\n').includes(CANARY) && !out.join('').includes('\u001b'))
  assert.equal(await run('audit', 'payload', incident), 77, 'not with the key of the administrator')
  assert.equal(await run('audit', 'payload', 'no-such-incident', '--key-file', keyFile), 1)
})

test('once the keys of the tenant are destroyed nobody reads it any more, and what comes then is kept anew', async () => {
  await call('echo', CANARY)
  const { incident } = lastCall()
  const url = `${gateway.origin}/admin/v1/vault/shred`
  assert.equal((await send(gateway, { confirm: 'default' }, { url })).status, 200)
  const { json } = await read(incident, auditor)
  assert.deepEqual(
    json.payloads.map(({ problem }: { problem?: string }) => problem),
    ['sealed-for-ever', 'sealed-for-ever'],
  )
  assert.equal(verdictsOf(gateway).get('default')?.sound, true, 'digests are of what lies there')
  await call('echo', 'later')
  assert.equal((await read(lastCall().incident, auditor)).json.payloads[0].text, '{"text":"later"}')
  assert.equal((await read(incident, auditor)).json.payloads[0].problem, 'sealed-for-ever')
})
