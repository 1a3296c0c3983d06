import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { evidence, type Sighting } from '../../src/inspection/finding.ts'
import { recorded, worst } from '../../src/inspection/recorded-finding.ts'
import { ROLES, VERDICTS } from '../../src/core/inspection-words.ts'
import { defaultVerdict, isShadow, stricter, type Verdict, verdictsFor } from '../../src/inspection/verdict.ts'

const sighting = (weight: Sighting['weight'], family: Sighting['family'] = 'sql'): Sighting => ({
  family,
  weight,
  reason: `${family}.x`,
  evidence: evidence('x'),
})

describe('without a word of the configuration', () => {
  test('breaches are refused and hints noted everywhere', () => {
    for (const place of [...ROLES, 'result'] as const) {
      assert.equal(defaultVerdict(place, 'breach'), 'refuse')
      assert.equal(defaultVerdict(place, 'hint'), 'annotate')
    }
  })
  for (const place of ['identifier', 'path', 'url', 'host', 'number', 'secret', 'expression'] as const) {
    test(`what is strong is refused in a ${place}`, () => assert.equal(defaultVerdict(place, 'strong'), 'refuse'))
  }
  for (const place of ['text', 'code', 'html', 'sql', 'shell', 'result'] as const) {
    test(`what is strong is noted in ${place}`, () => assert.equal(defaultVerdict(place, 'strong'), 'annotate'))
  }
})

test('the nearest word counts, and at one place the family comes before the role', () => {
  const far = { on: { sql: { strong: 'mask', hint: 'refuse' } }, roles: { text: { breach: 'annotate' } } } as const
  const near = { roles: { text: { strong: 'ask' } } } as const
  assert.equal(verdictsFor([near, far], 'text')(sighting('strong')), 'ask')
  assert.equal(verdictsFor([far, near], 'text')(sighting('strong')), 'mask')
  assert.equal(verdictsFor([near, far], 'identifier')(sighting('strong')), 'mask')
  assert.equal(verdictsFor([near, far], 'text')(sighting('hint')), 'refuse')
  assert.equal(verdictsFor([near, far], 'text')(sighting('breach')), 'annotate')
  assert.equal(verdictsFor([near, far], 'text')(sighting('hint', 'markup')), 'annotate')
})

test('the nearest mode counts', () => {
  assert.equal(isShadow([]), false)
  assert.equal(isShadow([{}, { mode: 'shadow' }]), true)
  assert.equal(isShadow([{ mode: 'enforce' }, { mode: 'shadow' }]), false)
})

test('of two verdicts the stricter one is taken', () => {
  for (const [index, verdict] of VERDICTS.entries())
    for (const milder of VERDICTS.slice(0, index + 1)) {
      assert.equal(stricter(milder, verdict), verdict)
      assert.equal(stricter(verdict, milder), verdict)
    }
  assert.equal(worst([]), 'allow')
})

test('what is written down is bounded, the deciding ones first', () => {
  const found = Array.from({ length: 40 }, (_, index) => ({
    at: `/${'x'.repeat(300)}`,
    place: 'text' as const,
    sighting: { ...sighting('hint'), view: 'v'.repeat(500) },
    verdict: (index === 39 ? 'refuse' : 'annotate') as Verdict,
  }))
  const kept = recorded(found, true)
  assert.equal(kept.length, 16)
  assert.equal(kept[0]?.verdict, 'refuse')
  for (const { at, view, shadow } of kept) {
    assert.equal(shadow, true)
    assert.ok(at.length <= 256 && (view ?? '').length <= 64)
  }
})
