/** AU-4: old records go where the configuration says so, never under a legal hold; what is left can be searched, handed out and checked. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CHAIN_RULES } from '../../src/audit/chain.ts'
import { checkpointSigner, loadCheckpointKey } from '../../src/audit/checkpoint.ts'
import { ChainLedger } from '../../src/audit/ledger.ts'
import { runCommand } from '../../src/cli/main.ts'
import { recordsOf, verdictsOf } from '../fixtures/audit.ts'
import { callTool, send } from '../fixtures/client.ts'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway } from '../fixtures/gateway.ts'

const DAY = 86_400_000
const BEGAN = Date.now() - 10 * DAY

/** A state folder with the chain of ten days, as a gateway leaves it. */
async function oldChain(folder: string, tenant = 'default', more = ''): Promise<void> {
  const state = join(folder, 'state')
  mkdirSync(state, { mode: 0o700, recursive: true })
  let now = BEGAN
  const ledger = await ChainLedger.open({
    directory: join(state, 'audit'),
    signer: checkpointSigner(loadCheckpointKey(join(state, 'audit.key'))),
    clock: { now: () => now },
    rules: { ...CHAIN_RULES, maxSegmentBytes: 2_000, checkpointRecords: 4 },
    ...{ program: 'portcullis earlier', weaknesses: [], tenants: [tenant] },
  })
  for (let hour = 0; hour < 60; hour++) {
    await ledger.append(tenant, {
      kind: 'change',
      what: 'test.hour',
      by: `hour-${hour}`,
      ...(more && { detail: { more } }),
    })
    now += 4 * 3_600_000
  }
  await ledger.close()
}

async function scene(t: TestContext, retention: object) {
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-retention-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await oldChain(folder)
  const config = { audit: { retention, checkpointEverySeconds: 1 } }
  const gateway = await startTestGateway({ folder, upstreams: [{ name: 'one', url: upstream.url }], config })
  t.after(() => gateway.close())
  const run = async (...args: readonly string[]) => {
    const [out, err]: [string[], string[]] = [[], []]
    const status = await runCommand(args, {
      out: (line) => out.push(line),
      err: (line) => err.push(line),
      environment: { PORTCULLIS_CONFIG: join(folder, 'portcullis.yaml') },
      clock: { now: () => Date.now() },
      interrupted: new AbortController().signal,
    })
    return { status, out, err: err.join('\n') }
  }
  const segments = () =>
    readdirSync(join(gateway.auditFolder, 'default'))
      .filter((name) => name.endsWith('.jsonl'))
      .toSorted()
  return { gateway, folder, run, segments, first: '000000000000001.jsonl' }
}

test('records that are older than the retention go, and the rest verifies and says so itself', {
  timeout: 60_000,
}, async (t) => {
  const { gateway, segments, first } = await scene(t, { days: 5 })
  for (let waited = 0; waited < 200 && segments().includes(first); waited++) await sleep(100)
  await sleep(500)
  const hours = recordsOf(gateway).flatMap((record) =>
    record.kind === 'change' && record.what === 'test.hour' ? [record.at] : [],
  )
  assert.ok(hours.length > 10 && hours.length < 40, `${hours.length} are left`)
  assert.ok(hours.every((at) => at > Date.now() - 6 * DAY))
  const verdict = verdictsOf(gateway).get('default')
  assert.ok(verdict?.sound, JSON.stringify(verdict))
  await callTool(gateway, 'echo', { text: 'on' })
  assert.ok(verdictsOf(gateway).get('default')?.sound)
})

test('a legal hold is set and lifted on record, with its reason; meanwhile nothing goes', {
  timeout: 60_000,
}, async (t) => {
  const { gateway, run, segments, first } = await scene(t, {})
  const set = await run('audit', 'hold', 'set', 'case-7', '--reason', 'asked by the court')
  assert.equal(set.status, 0, set.err)
  assert.match((await run('audit', 'hold', 'list')).out.join('\n'), /case-7 .*asked by the court/)
  assert.ok(segments().includes(first))
  const unnamed = await send(gateway, {}, { method: 'PUT', url: `${gateway.origin}/admin/v1/audit/holds/case-8` })
  assert.equal(unnamed.status, 400, 'a hold has a reason')
  const lifted = await run('audit', 'hold', 'lift', 'case-7', '--reason', 'closed')
  assert.equal(lifted.status, 0, lifted.err)
  assert.equal((await run('audit', 'hold', 'lift', 'case-7', '--reason', 'closed')).status, 1)
  const told = recordsOf(gateway).flatMap((record) =>
    record.kind === 'change' ? [[record.what, record.detail?.['reason']]] : [],
  )
  assert.deepEqual(
    told.filter(([what]) => String(what).startsWith('hold.')),
    [
      ['hold.set', 'asked by the court'],
      ['hold.lifted', 'closed'],
    ],
  )
})

test('a hold that stands when the gateway starts keeps every record', { timeout: 60_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-held-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await oldChain(folder)
  const audit = join(folder, 'state', 'audit', 'default')
  const hold = [{ name: 'case-1', reason: 'r', by: 'key:a', since: 1 }]
  writeFileSync(join(audit, 'holds.json'), JSON.stringify(hold), { mode: 0o600 })
  const config = { audit: { retention: { days: 1 }, checkpointEverySeconds: 1 } }
  const gateway = await startTestGateway({ folder, upstreams: [], config })
  await sleep(4_000)
  assert.ok(readdirSync(audit).includes('000000000000001.jsonl'))
  assert.ok(!recordsOf(gateway).some((record) => record.kind === 'change' && record.what === 'audit.segment-removed'))
  await gateway.close()
})

test('records beyond the size go, by tenant and for all', { timeout: 60_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-sizes-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const tenants = ['usual', 'own', 'lasting']
  for (const tenant of tenants) await oldChain(folder, tenant, 'x'.repeat(40_000))
  const gateway = await startTestGateway({
    folder,
    upstreams: [],
    config: {
      audit: { retention: { megabytes: 1 }, checkpointEverySeconds: 1 },
      tenants: {
        ...{ default: { upstreams: [] }, usual: { upstreams: [] } },
        own: { upstreams: [], retention: { days: 36_500, megabytes: 2 } },
        lasting: { upstreams: [], retention: { days: 36_500 } },
      },
    },
  })
  t.after(() => gateway.close())
  const megabytes = (tenant: string) =>
    readdirSync(join(gateway.auditFolder, tenant))
      .filter((name) => name.endsWith('.jsonl'))
      .reduce((sum, name) => sum + statSync(join(gateway.auditFolder, tenant, name)).size, 0) / 1_048_576
  for (let tries = 0; tries < 400 && (megabytes('usual') > 1.2 || megabytes('own') > 2.2); tries++) await sleep(50)
  const [usual = 0, own = 0, lasting = 0] = tenants.map(megabytes)
  assert.ok(usual < 1.2 && own > 1.2 && own < 2.2, `${usual} and ${own}`)
  assert.ok(lasting > 2.2, 'days alone keep all that is younger')
})

test('records are searched by time and words, by command and by route', { timeout: 60_000 }, async (t) => {
  const { gateway, run } = await scene(t, {})
  await callTool(gateway, 'echo', { text: 'x' })
  await callTool(gateway, 'nothing', {})
  const day = await run('audit', 'search', '--from', '9d', '--to', '8d', '--kind', 'change', '--json')
  assert.equal(day.status, 0, day.err)
  assert.equal(day.out.length, 6)
  const refused = await run('audit', 'search', '--code', 'policy.unknown_target', '--from', '5m')
  assert.match(refused.out.join('\n'), /^\S+ \S+ +\d+ refusal .*policy\.unknown_target/)
  assert.equal((await run('audit', 'search', '--upstream', 'one', '--outcome', 'answered')).out.length, 1)
  assert.equal((await run('audit', 'search', '--upstream', 'two')).status, 1)
  assert.equal((await run('audit', 'search', '--from', 'yesterday')).status, 2)
  assert.equal((await run('audit', 'search', '--kind', 'chance')).status, 2)
  const query = new URLSearchParams({
    from: new Date(BEGAN).toISOString(),
    to: new Date(BEGAN + DAY).toISOString(),
    limit: '500',
  })
  const { json } = await send(gateway, undefined, { method: 'GET', url: `${gateway.origin}/admin/v1/audit?${query}` })
  assert.equal(json.records.filter(({ what }: { what?: string }) => what === 'test.hour').length, 6)
})

test('a bundle that was handed out is checked with the public key alone', { timeout: 60_000 }, async (t) => {
  const { folder, run, gateway } = await scene(t, {})
  const out = join(folder, 'evidence')
  const made = await run('audit', 'export', '--from', '5d', '--to', '4d', '--out', out)
  assert.equal(made.status, 0, made.err)
  const key = join(gateway.stateFolder, 'audit.key.pub')
  const sound = await run('audit', 'verify', '--bundle', out, '--key', key)
  assert.equal(sound.status, 0, sound.out.join('\n'))
  assert.equal((await run('audit', 'export', '--out', out)).status, 2, 'nothing is written over')
  const chain = join(out, 'chain')
  const file = join(chain, readdirSync(chain)[0] as string)
  writeFileSync(file, readFileSync(file, 'utf8').replace('hour-', 'hoax-'))
  assert.equal((await run('audit', 'verify', '--bundle', out, '--key', key)).status, 1)
})
