/** The table of trust: what is offered at first, later, and when it changes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../../src/core/fault.ts'
import { checkDefinition } from '../../../src/inspection/definitions/check-definition.ts'
import { instructionsItem, type Item, itemOf } from '../../../src/inspection/definitions/item.ts'
import { standingOf, type Trust } from '../../../src/inspection/definitions/standing.ts'

const item = itemOf('tool', { name: 'x', description: 'is', inputSchema: {} }) as Item
const other = itemOf('tool', { name: 'x', description: 'was', inputSchema: {} }) as Item

// biome-ignore format: one case a row
const TABLE: readonly (readonly [Trust, 'same' | 'changed' | 'none', boolean, boolean, string])[] = [
  // trust      before     first  clean  standing
  ['untrusted', 'none',    true,  true,  'held new'],
  ['untrusted', 'none',    false, true,  'held new'],
  ['untrusted', 'changed', false, true,  'held changed'],
  ['untrusted', 'same',    false, false, 'offered'],
  ['reviewed',  'none',    true,  true,  'believed'],
  ['reviewed',  'none',    true,  false, 'held new'],
  ['reviewed',  'none',    false, true,  'held new'],
  ['reviewed',  'changed', true,  true,  'held changed'],
  ['reviewed',  'same',    false, false, 'offered'],
  ['trusted',   'none',    true,  false, 'believed'],
  ['trusted',   'none',    false, false, 'believed'],
  ['trusted',   'changed', false, false, 'believed'],
  ['trusted',   'same',    false, false, 'offered'],
]

test('each level of trust holds back what it says', () => {
  for (const [trust, what, isFirstUse, clean, wanted] of TABLE) {
    const before = what === 'none' ? undefined : { item: what === 'same' ? item : other }
    const standing = standingOf(item, { trust, before, isFirstUse, isClean: () => clean })
    assert.equal([standing.state, ...('why' in standing ? [standing.why] : [])].join(' '), wanted, `${trust} ${what}`)
  }
})

test('instructions that are not there mislead nobody', () => {
  const facts = { trust: 'untrusted', before: undefined, isFirstUse: true, isClean: () => true } as const
  assert.equal(standingOf(instructionsItem(undefined), facts).state, 'offered')
  assert.equal(standingOf(instructionsItem('a'), facts).state, 'held')
})

test('the stage refuses what is held, whether it knows at once or has to ask, and nothing else', async () => {
  const refused = (thrown: unknown) => thrown instanceof Fault && thrown.code === 'definition.quarantined'
  const named = { upstream: 'one', item: { kind: 'tool', name: 'x' } } as const
  assert.throws(() => checkDefinition(() => 'new').check(named), refused)
  await assert.rejects(async () => checkDefinition(() => Promise.resolve('changed')).check(named), refused)
  assert.equal(checkDefinition(() => undefined).check(named), undefined)
  await checkDefinition(() => Promise.resolve(undefined)).check(named)
  for (const target of [{ kind: 'none' }, { kind: 'task', name: 't' }] as const)
    assert.equal(checkDefinition(() => 'new').check({ upstream: 'one', item: target }), undefined)
})
