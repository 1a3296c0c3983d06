import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CHAIN_RULES } from '../../src/audit/chain.ts'
import { checkpointSigner, loadCheckpointKey } from '../../src/audit/checkpoint.ts'
import { ChainLedger } from '../../src/audit/ledger.ts'
import type { RecordBody } from '../../src/audit/record.ts'
import { formatRecord } from '../../src/cli/audit-tail.ts'
import { desk, NOW } from './desk.ts'

const CONFIG = 'version: 1\nstate: state\n'

async function writeChain(folder: string): Promise<void> {
  const ledger = await ChainLedger.open({
    directory: join(folder, 'state', 'audit'),
    signer: checkpointSigner(loadCheckpointKey(join(folder, 'state', 'audit.key'))),
    clock: { now: () => NOW },
    rules: CHAIN_RULES,
    program: 'portcullis test',
    weaknesses: ['store.kind'],
    tenants: ['default'],
  })
  await ledger.append('default', { kind: 'change', what: 'key.created', by: 'somebody\u001b[31m' })
  await ledger.close()
}

test('the last records are shown on one line each, without control characters', async (context) => {
  const { folder, run } = desk(context, CONFIG)
  await run('init', '--dir', folder)
  await writeChain(folder)
  const { status, out } = await run('audit', 'tail')
  assert.equal(status, 0)
  assert.match(out.join('\n'), /start +portcullis test weakness store\.kind/)
  assert.match(out.join('\n'), /change +key\.created somebody\ufffd/)
  assert(!out.join('').includes('\u001b'))
})

test('a chain is verified, and a changed byte is found with its place', async (context) => {
  const { folder, run } = desk(context, CONFIG)
  await run('init', '--dir', folder)
  await writeChain(folder)
  const sound = await run('audit', 'verify')
  assert.equal(sound.status, 0, sound.err.join('\n'))
  assert.match(sound.out.join(''), /^default: sound, \d+ records, 2 checkpoints/)
  const chain = join(folder, 'state', 'audit', 'default')
  const segment = join(chain, readdirSync(chain).find((name) => name.endsWith('.jsonl')) ?? '')
  writeFileSync(segment, readFileSync(segment, 'utf8').replace('key.created', 'key.removed'))
  const broken = await run('audit', 'verify')
  assert.equal(broken.status, 1)
  assert.match(broken.out.join(''), /^default: BROKEN .*jsonl:2: /)
})

test('a chain that is not there is said to be absent, not sound', async (context) => {
  const { folder, run } = desk(context, CONFIG)
  await run('init', '--dir', folder)
  assert.equal((await run('audit', 'verify')).status, 0, 'the first key is on record')
  rmSync(join(folder, 'state', 'audit'), { recursive: true })
  assert.equal((await run('audit', 'verify')).status, 69)
  assert.equal((await run('audit', 'tail')).status === 0 && (await run('audit', 'tail')).out.length > 0, false)
})

test('what a process did is shown in words', () => {
  const head = { seq: 1, prev: '', at: NOW, tenant: 'acme', hash: '' }
  const doer = { upstream: 'files', scope: 'principal', principal: 'key:1', pid: 7 } as const
  const shown = (body: RecordBody) => formatRecord({ ...head, ...body }).replace(/^.{26}/, '')
  const egress = { kind: 'egress', host: 'api.example', port: 443, protocol: 'connect' } as const
  const cases: readonly (readonly [RecordBody, RegExp])[] = [
    [
      { kind: 'access', incident: 'i1', ...doer, access: { ...egress, allowed: true, address: '192.0.2.1' } },
      /access +i1 files\[7\] key:1 reached api\.example:443 connect 192\.0\.2\.1$/,
    ],
    [
      { kind: 'access', ...doer, access: { ...egress, allowed: false, reason: 'not-allowed' } },
      /access +files\[7\] key:1 refused api\.example:443 connect not-allowed$/,
    ],
    [
      { kind: 'access', ...doer, access: { kind: 'file', change: 'created', path: '/d/x\u001b', bytes: 5 } },
      /created \/d\/x\ufffd 5 B$/,
    ],
    [
      { kind: 'access', ...doer, access: { kind: 'refused', wall: 'memory', what: '64 MiB' } },
      /refused memory 64 MiB$/,
    ],
    [{ kind: 'accesses', ...doer, durationMs: 9, counts: { 'egress refused': 900 } }, /900 × egress refused$/],
    [
      { kind: 'process', ...doer, event: 'started', driver: 'bubblewrap' },
      /process +files\[7\] key:1 started bubblewrap$/,
    ],
    [
      { kind: 'process', ...doer, event: 'ended', driver: 'none', reason: 'exited', usage: { cpuMs: 5, sentBytes: 0 } },
      /ended none exited cpuMs=5$/,
    ],
  ]
  for (const [body, pattern] of cases) assert.match(shown(body), pattern)
})

test('findings and approvals are shown without their evidence', () => {
  const head = { seq: 1, prev: '0', at: NOW, tenant: 'default', hash: '0' }
  const finding = { at: '/order_id', place: 'identifier', family: 'sql', weight: 'strong', reason: 'sql.union' }
  const ask = {
    kind: 'approval',
    incident: 'i1',
    approval: 'q1',
    principal: 'key:1',
    upstream: 'shop',
    arguments: '0',
  } as const
  const target = { kind: 'tool', name: 'buy' } as const
  const cases: readonly (readonly [RecordBody, RegExp])[] = [
    [
      {
        ...{ kind: 'outcome', incident: 'i1', outcome: 'answered', status: 200, durationMs: 3 },
        findings: [{ ...finding, verdict: 'refuse', shadow: true, evidence: 'EVIDENCE' }],
      },
      /i1 answered 200 3 ms \[\/order_id sql\.union would refuse\]$/,
    ],
    [{ ...ask, target, event: 'proposed' }, /approval +i1 key:1 shop buy proposed$/],
    [{ ...ask, target, event: 'decided', answer: 'declined' }, /approval +i1 key:1 shop buy decided declined$/],
  ]
  for (const [body, pattern] of cases) {
    const line = formatRecord({ ...head, ...body })
    assert.match(line, pattern)
    assert.doesNotMatch(line, /EVIDENCE/)
  }
})
