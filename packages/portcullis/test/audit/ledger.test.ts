import assert from 'node:assert/strict'
import { appendFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { CHAIN_RULES } from '../../src/audit/chain.ts'
import { ChainLedger, chainFolder, type LedgerOptions } from '../../src/audit/ledger.ts'
import { ChainDamaged } from '../../src/audit/recover.ts'
import { readLast } from '../../src/audit/tail.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { callNumber, clock, keys, newFolder, signer } from './fixtures.ts'

const openLedger = (directory: string, options: Partial<LedgerOptions> = {}) =>
  ChainLedger.open({
    directory,
    signer,
    clock,
    rules: CHAIN_RULES,
    program: 'portcullis 0.0.0',
    weaknesses: ['sandbox: none'],
    tenants: ['@gateway'],
    ...options,
  })

test('each tenant has a chain of its own, begun by a start record', async () => {
  const directory = newFolder()
  const ledger = await openLedger(directory)
  await Promise.all([ledger.append('acme', callNumber(1)), ledger.append('mega', callNumber(2))])
  assert.deepEqual(
    [...ledger.heads].map(([tenant, { sequence }]) => [tenant, sequence]),
    [
      ['@gateway', 1],
      ['acme', 2],
      ['mega', 2],
    ],
  )
  await ledger.close()
  assert.deepEqual(readdirSync(directory), ['@gateway', 'acme', 'mega'])
  for (const tenant of ['@gateway', 'acme', 'mega']) {
    const verdict = verifyChain({ directory: `${directory}/${tenant}`, keys })
    assert.equal(verdict.sound && verdict.tenant, tenant)
  }
  assert.partialDeepStrictEqual(readLast(`${directory}/acme`, 9)[0], { kind: 'start', weaknesses: ['sandbox: none'] })
})

test('a closed ledger takes nothing, not even for a tenant that it never saw', async () => {
  const ledger = await openLedger(newFolder())
  await ledger.close()
  assert.equal(ledger.intact('acme'), false)
  await assert.rejects(ledger.append('acme', callNumber(1)), { code: 'audit.unavailable' })
})

test('a ledger with a damaged chain does not open, and lets go of the others', async () => {
  const directory = newFolder()
  const ledger = await openLedger(directory, { tenants: ['acme', 'mega'] })
  await ledger.close()
  appendFileSync(`${directory}/mega/000000000000001.jsonl`, 'x\n')
  await assert.rejects(openLedger(directory, { tenants: ['acme', 'mega'] }), ChainDamaged)
  assert.equal(readdirSync(`${directory}/acme`).includes('lock'), false)
})

test('a chain that cannot be opened later makes its tenant unavailable, and no other', async () => {
  const directory = newFolder()
  const first = await openLedger(directory, { tenants: ['acme'] })
  await first.close()
  appendFileSync(`${directory}/acme/000000000000001.jsonl`, 'x\n')
  const health: unknown[] = []
  const ledger = await openLedger(directory, {
    onHealth: (tenant, error) => health.push([tenant, error instanceof ChainDamaged]),
  })
  assert.equal(ledger.intact('acme'), false)
  assert.equal(ledger.intact('mega'), true)
  assert.deepEqual(health, [['acme', true]])
  await ledger.close()
})

const FOLDERS: ReadonlyArray<readonly [tenant: string, folder: RegExp]> = [
  ['acme', /^acme$/],
  ['@gateway', /^@gateway$/],
  ['..', /^~[0-9a-f]{40}$/],
  ['a/../b', /^~[0-9a-f]{40}$/],
  ['Acme', /^~[0-9a-f]{40}$/],
  ['', /^~[0-9a-f]{40}$/],
]

for (const [tenant, folder] of FOLDERS) {
  test(`the tenant ${JSON.stringify(tenant)} has a folder that stays inside the ledger's`, () => {
    assert.match(chainFolder(tenant), folder)
  })
}
