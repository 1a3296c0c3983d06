import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CHAIN_RULES } from '../../src/audit/chain.ts'
import { checkpointSigner, loadCheckpointKey } from '../../src/audit/checkpoint.ts'
import { ChainLedger } from '../../src/audit/ledger.ts'
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
  assert.match(sound.out.join(''), /^default: sound, \d+ records, 1 checkpoints/)
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
  assert.equal((await run('audit', 'verify')).status, 69)
  assert.equal((await run('audit', 'tail')).status === 0 && (await run('audit', 'tail')).out.length > 0, false)
})
