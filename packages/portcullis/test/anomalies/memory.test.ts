/** What is remembered is bounded, fair to tenants, free of numbers that are none, and outlasts a restart whole or not at all. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canaryTools } from '../../src/anomalies/canary-tools.ts'
import { RECORD_WORDS, setF64, WORD } from '../../src/anomalies/layout.ts'
import { Memory } from '../../src/anomalies/memory.ts'
import { Repeats } from '../../src/anomalies/repeats.ts'
import { sizeOf } from '../../src/anomalies/result-size.ts'
import { Restrictions } from '../../src/anomalies/restrictions.ts'
import { decode, encode, SnapshotError } from '../../src/anomalies/snapshot.ts'
import { Strangers } from '../../src/anomalies/strangers.ts'
import { SubjectTable } from '../../src/anomalies/subject-table.ts'
import { DAY, MONDAY, scene, work } from './traffic.ts'

describe('a table of subjects', () => {
  it('never holds more than its capacity, whoever comes', () => {
    const arrivals = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(60), fc.constantFrom(0, 1, 2)), {
      maxLength: 300,
    })
    fc.assert(
      fc.property(arrivals, (all) => {
        const table = new SubjectTable(20)
        for (const [at, [tenant, name, tier]] of all.entries()) {
          const subject = table.enter(tenant, `n${name}`, at)
          if (subject !== undefined) table.touch(subject, tier)
          assert.ok(table.size <= 20)
          assert.equal(table.all().length, table.size)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('keeps who is known while strangers of the same and of another tenant flood it', () => {
    const table = new SubjectTable(100)
    const enter = (tenant: string, name: string, tier: 0 | 1 | 2) => {
      const subject = table.enter(tenant, name, MONDAY)
      assert.ok(subject)
      setF64(subject, WORD.lastAt, MONDAY)
      table.touch(subject, tier)
    }
    for (let one = 0; one < 40; one++) enter('acme', `known-${one}`, 2)
    for (let one = 0; one < 30; one++) enter('beta', `known-${one}`, 2)
    for (let one = 0; one < 10_000; one++) enter('acme', `stranger-${one}`, one % 2 === 0 ? 0 : 1)
    for (let one = 0; one < 40; one++) assert.ok(table.find('acme', `known-${one}`))
    for (let one = 0; one < 30; one++) assert.ok(table.find('beta', `known-${one}`))
  })

  it('gives a tenant its share though another one has taken everything', () => {
    const table = new SubjectTable(100)
    for (let one = 0; one < 100; one++) {
      const subject = table.enter('acme', `a${one}`, MONDAY)
      assert.ok(subject)
      setF64(subject, WORD.lastAt, MONDAY)
      table.touch(subject, 2)
    }
    assert.equal(table.enter('acme', 'late', MONDAY + DAY), undefined)
    for (let one = 0; one < 50; one++) assert.ok(table.enter('beta', `b${one}`, MONDAY))
    assert.equal(table.all().filter(({ tenant }) => tenant === 'beta').length, 50)
    assert.ok(table.enter('acme', 'late', MONDAY + 31 * DAY), 'who was quiet for a month gives way')
  })

  it('hands a place on without anything of whom it was', () => {
    const table = new SubjectTable(1)
    const first = table.enter('acme', 'a', 0)
    assert.ok(first)
    first.page.u32.fill(7, first.base, first.base + RECORD_WORDS)
    const second = table.enter('acme', 'b', 0)
    assert.ok(second)
    assert.equal(first.isKept, false)
    assert.ok(second.page.u32.subarray(second.base, second.base + RECORD_WORDS).every((word) => word === 0))
  })
})

describe('what is counted', () => {
  it('is a number whatever is seen in whatever order, and the same for the same', () => {
    const sight = fc.record({
      ms: fc.oneof(fc.nat(5_000), fc.integer({ min: -1e9, max: 1e11 })),
      principal: fc.constantFrom('a', 'b', 'c'.repeat(2_000)),
      tool: fc.constantFrom('x', 'y', 'z'),
      outcome: fc.constantFrom('ok' as const, 'failed' as const, 'denied' as const, 'other' as const),
      bytes: fc.oneof(fc.nat(1e6), fc.constant(Number.MAX_SAFE_INTEGER)),
      findings: fc.nat(50),
    })
    const run = (sights: readonly { readonly ms: number }[]) => {
      const stage = scene({ learning: { days: 1, calls: 10 } })
      for (const { ms, ...more } of sights) {
        stage.now = Math.max(0, stage.now + ms)
        stage.see(more)
      }
      return stage
    }
    fc.assert(
      fc.property(fc.array(sight, { maxLength: 120 }), (sights) => {
        const [one, other] = [run(sights), run(sights)]
        assert.deepEqual(one.alerts, other.alerts)
        for (const { score, reasons } of one.alerts) {
          assert.ok(score >= 0 && score <= 100)
          assert.ok(
            reasons.every(({ observed, expected, weight }) => [observed, expected, weight].every(Number.isFinite)),
          )
        }
        const copy = new Memory({ principals: 1_000, tools: 1_000 }, 0)
        decode(Buffer.concat([...encode(one.memory, one.now)]), copy)
      }),
      { numRuns: 60 },
    )
  })

  it('of one instant does not depend on the order of its calls, but for what follows what', () => {
    const at = (order: readonly string[]) => {
      const stage = scene()
      for (const principal of order) stage.see({ principal })
      const subject = stage.memory.find('tenant', 'acme', 'acme')
      return subject && [...subject.page.u8.subarray(subject.base * 4, (subject.base + RECORD_WORDS) * 4)]
    }
    assert.deepEqual(at(['a', 'b', 'c', 'a']), at(['a', 'a', 'c', 'b']))
  })
})

describe('a snapshot', () => {
  const stage = scene()
  work(stage, 5)
  stage.memory.restrictions.put(
    {
      tenant: 'acme',
      principal: 'eve',
      answer: 'block',
      score: 99,
      reason: 'canary',
      since: stage.now,
      until: stage.now + 1e6,
    },
    stage.now,
  )
  const bytes = Buffer.concat([...encode(stage.memory, stage.now)])
  const empty = () => new Memory({ principals: 1_000, tools: 1_000 }, 0)

  it('brings everything back', () => {
    const memory = empty()
    decode(bytes, memory)
    assert.deepEqual(Buffer.concat([...encode(memory, stage.now)]), bytes)
    assert.equal(memory.restrictions.of('acme', 'eve', stage.now)?.answer, 'block')
    assert.equal(memory.seed, 7)
    const again = scene({}, { memory })
    again.now = stage.now + 58 * 3_600_000
    for (let call = 0; call < 400; call++) {
      again.now += 20
      again.see()
    }
    assert.ok(again.alerts.some(({ level }) => level === 'critical'))
  })

  it('that is cut short, changed in one byte, or something else is refused', () => {
    const flipped = (at: number) => Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)))
    const bad = [Buffer.alloc(0), Buffer.from('{}'), bytes.subarray(0, -1), bytes.subarray(0, 500)]
    for (const damaged of [...bad, ...[0, 5, 20, 900, bytes.length - 1].map(flipped)])
      assert.throws(() => decode(damaged, empty()), SnapshotError)
  })

  it('is bounded by the memory that it comes into', () => {
    const small = new Memory({ principals: 1, tools: 1 }, 0)
    decode(bytes, small)
    assert.equal(small.tables.tool.size, 1)
  })
})

describe('restrictions', () => {
  const put = (held: Restrictions, principal: string, until: number, answer: 'ask' | 'throttle' | 'block') =>
    held.put({ tenant: 't', principal, answer, score: 60, reason: 'calls', since: 0, until }, 0)

  it('keep the stricter answer and the later end', () => {
    const held = new Restrictions()
    put(held, 'a', 100, 'block')
    assert.deepEqual(put(held, 'a', 200, 'ask').answer, 'block')
    assert.equal(held.of('t', 'a', 199)?.until, 200)
    assert.equal(held.of('t', 'a', 200), undefined)
    assert.equal(held.size, 0)
  })

  it('are bounded: the one that ends soonest gives way', () => {
    const held = new Restrictions(3)
    for (const [at, name] of ['a', 'b', 'c', 'd'].entries()) put(held, name, 100 + at, 'block')
    assert.deepEqual(
      held.list(0).map(({ principal }) => principal),
      ['b', 'c', 'd'],
    )
  })
})

describe('smaller things', () => {
  it('alerts are withheld for a while, within bounds, and not for ever after the clock was set back', () => {
    const repeats = new Repeats<string>(1_000, 2)
    assert.deepEqual([repeats.admit('a', 'x', 5_000), repeats.admit('a', 'x', 5_500)], [1, 0])
    assert.equal(repeats.admit('a', 'x', 100), 2)
    assert.deepEqual(
      [repeats.admit('b', 'x', 100), repeats.admit('c', 'x', 100), repeats.admit('a', 'x', 100)],
      [1, 1, 1],
    )
  })

  it('addresses are counted in bounded memory', () => {
    const strangers = new Strangers(100)
    for (let one = 0; one < 5_000; one++) strangers.failed(`n${one}`, one)
    assert.ok(strangers.size <= 100)
    assert.ok(strangers.failed('n4999', 5_000) > 1.9)
  })

  it('canaries are found by every name that a caller can give them', () => {
    const isCanary = canaryTools(['files/dump', '*/get_password'])
    const yes = [['dump', 'files'], ['get_password', 'db'], ['files__dump'], ['db__get_password'], ['get_password']]
    const no = [['dump', 'db'], ['dump'], ['files__read'], ['dump2', 'files'], ['DUMP', 'files']]
    for (const [name = '', upstream] of yes) assert.equal(isCanary(name, upstream), true, name)
    for (const [name = '', upstream] of no) assert.equal(isCanary(name, upstream), false, name)
  })

  it('the size of a result is about that of its JSON', () => {
    const rows = Array.from({ length: 20 }, (_, at) => ({ id: `row-${at}`, text: 'x'.repeat(100) }))
    for (const value of [{ content: [{ type: 'text', text: 'y'.repeat(5_000) }] }, { rows }]) {
      const exact = JSON.stringify(value).length
      assert.ok(sizeOf(value) > exact / 2 && sizeOf(value) < exact * 2)
    }
    assert.ok(sizeOf(Array.from({ length: 3_000 }, () => [1])) > 3_000)
  })
})
