/** AU-2: a caller cannot make the gateway trace everything, and cannot hide from what is traced. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Sampler, type SamplingRules } from '../../../src/audit/telemetry/sampling.ts'

const RULES: SamplingRules = { ratio: 0, perSecond: 1_000, callers: 'limited', callersPerSecond: 5 }
const told = (sampled: boolean) => ({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled, state: '' })

/** How many of a thousand calls in one millisecond, then of as many one second later, are traced. */
function counted(rules: Partial<SamplingRules>, sampled: boolean | undefined, random = () => 0.5): readonly number[] {
  const sampler = new Sampler({ ...RULES, ...rules }, random)
  const parent = sampled === undefined ? undefined : told(sampled)
  return [10_000, 11_000].map(
    (now) => Array.from({ length: 1_000 }, () => sampler.decide(parent, now)).filter(Boolean).length,
  )
}

describe('sampling', () => {
  it('lets callers add so many traces a second and no more', () => {
    assert.deepEqual(counted({}, true), [5, 5])
    assert.deepEqual(counted({ callersPerSecond: 0 }, true), [0, 0])
  })

  it('does not let callers prevent a trace', () => {
    assert.deepEqual(counted({ ratio: 1 }, false), [1_000, 1_000])
    assert.deepEqual(counted({ ratio: 1 }, undefined), [1_000, 1_000])
  })

  it('is bounded whoever asks', () => {
    for (const callers of ['limited', 'ignored', 'trusted'] as const)
      assert.deepEqual(counted({ ratio: 1, perSecond: 7, callers }, true), [7, 7], callers)
  })

  it('leaves it to callers only where they are trusted', () => {
    assert.deepEqual(counted({ callers: 'trusted' }, true), [1_000, 1_000])
    assert.deepEqual(counted({ callers: 'trusted', ratio: 1 }, false), [0, 0])
    assert.deepEqual(counted({ callers: 'trusted', ratio: 1 }, undefined), [1_000, 1_000])
    assert.deepEqual(counted({ callers: 'ignored' }, true), [0, 0])
  })

  it('throws dice that the trace id does not load', () => {
    let thrown = 0
    const random = () => (thrown++ % 10) / 10
    assert.deepEqual(counted({ ratio: 0.3, callersPerSecond: 0 }, true, random), [300, 300])
  })

  it('survives a clock that goes back', () => {
    const sampler = new Sampler({ ...RULES, ratio: 1, perSecond: 2 }, () => 0)
    assert.deepEqual(
      [5_000, 4_000, 4_000, 4_600].map((now) => sampler.decide(undefined, now)),
      [true, true, false, true],
    )
  })
})
