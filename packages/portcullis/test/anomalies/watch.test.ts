/** What is usual is learned from weeks of traffic, and each kind of unusual conduct is told with its reasons; steady work is not. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ReasonName } from '../../src/anomalies/assess.ts'
import type { Block } from '../../src/anomalies/blocks.ts'
import { DAY, HOUR, type Scene, scene, work } from './traffic.ts'

/** Two weeks of work, then a Monday morning. */
function known(...given: Parameters<typeof scene>): Scene {
  const stage = scene(...given)
  work(stage, 14)
  stage.now += 10 * HOUR
  for (let call = 0; call < 5; call++) step(stage, 30_000)
  assert.deepEqual(stage.alerts, [])
  return stage
}

function step(stage: Scene, ms: number, more: Parameters<Scene['see']>[0] = {}, times = 1): void {
  for (let time = 0; time < times; time++) {
    stage.now += ms
    stage.see(more)
  }
}

const reasonsOf = ({ alerts }: Scene, kind = 'principal'): readonly (readonly ReasonName[])[] =>
  alerts.filter(({ subject }) => subject.kind === kind).map(({ reasons }) => reasons.map(({ reason }) => reason))

const ELSEWHERE = '198.51.100.1'

describe('steady work', () => {
  it('raises hardly an alarm in four weeks, whatever its chances', (t) => {
    let calls = 0
    let alerts = 0
    for (const seed of [11, 12, 13]) {
      const stage = scene()
      calls += work(stage, 28, seed)
      alerts += stage.alerts.length
    }
    t.diagnostic(`${alerts} alerts in ${calls} calls`)
    assert.ok(calls > 50_000)
    assert.ok(alerts <= 3, `${alerts} alerts in ${calls} calls`)
  })
})

describe('somebody who is known', () => {
  const UNUSUAL: readonly (readonly [title: string, reason: ReasonName, act: (stage: Scene) => void])[] = [
    ['calls many times as often', 'calls', (stage) => step(stage, 20, {}, 400)],
    ['calls ten times as often for an hour', 'calls', (stage) => step(stage, 2_400, {}, 1_500)],
    ['is given megabytes instead of kilobytes', 'bytes-out', (stage) => step(stage, 5_000, { bytes: 5e6 }, 5)],
    ['fails all the time', 'failures', (stage) => step(stage, 5_000, { outcome: 'failed' }, 30)],
    ['is refused again and again', 'denied', (stage) => step(stage, 1_000, { outcome: 'denied' }, 20)],
    [
      'tries one tool after another',
      'first-tool',
      (stage) => {
        for (let tool = 0; tool < 5; tool++) step(stage, 5_000, { tool: `new-${tool}` })
      },
    ],
    [
      'comes from elsewhere to another upstream',
      'first-network',
      (stage) => {
        step(stage, 5_000, { network: ELSEWHERE, upstream: 'db', tool: 'query' })
      },
    ],
    [
      'comes from elsewhere at night for a new tool',
      'hour',
      (stage) => {
        step(stage, 17 * HOUR, { network: ELSEWHERE, tool: 'dump' })
      },
    ],
    ['sends injections', 'findings', (stage) => step(stage, 5_000, { findings: 1, outcome: 'denied' }, 5)],
    [
      'has a sandbox that sends megabytes',
      'egress',
      (stage) => {
        stage.watch.sent('acme', 'ana', 5e7)
        step(stage, 1_000)
      },
    ],
  ]
  for (const [title, reason, act] of UNUSUAL) {
    it(`is told of who ${title}`, () => {
      const stage = known()
      act(stage)
      assert.ok(
        reasonsOf(stage).some((reasons) => reasons.includes(reason)),
        JSON.stringify(stage.alerts),
      )
      for (const { score, reasons, level } of stage.alerts) {
        assert.ok(score >= 50 && score <= 100)
        assert.notEqual(level, 'low')
        for (const { observed, expected, weight } of reasons) {
          assert.ok(observed > expected && weight > 0 && weight <= 100)
        }
      }
    })
  }

  it('is noted and not told of for a single new tool, a single night, or one new address', () => {
    for (const more of [{ tool: 'write' }, { network: ELSEWHERE }]) {
      const stage = known()
      step(stage, 5_000, more)
      assert.deepEqual(stage.alerts, [])
    }
  })

  it('is unusual by the order of what it does, when nobody in the tenant has that order', () => {
    const stage = scene()
    const tools = ['read', 'list', 'search']
    for (let call = 0; call < 2_400; call++) step(stage, DAY / 300, { tool: tools[call % 3] as string })
    for (let call = 0; call < 6; call++) step(stage, 60_000, { tool: tools[2 - (call % 3)] as string })
    const last = stage.watch.recent.get({ kind: 'principal', tenant: 'acme', name: 'ana' })
    assert.deepEqual(
      last?.reasons.map(({ reason }) => reason),
      ['sequence'],
    )
    assert.equal(last?.answer, 'note')
  })

  it('does not make a burst usual by it', () => {
    const stage = known()
    for (let day = 0; day < 3; day++) {
      const before = stage.alerts.length
      step(stage, 20, {}, 400)
      assert.ok(stage.alerts.length > before, `day ${day}`)
      stage.now += DAY
    }
  })
})

describe('a tenant and its tools', () => {
  it('are told of when many callers do together what none of them does alone', () => {
    const stage = scene()
    for (let call = 0; call < 4 * 600; call++) step(stage, DAY / 600, { principal: `u${call % 10}` })
    for (let call = 0; call < 400; call++) step(stage, 100, { principal: `u${call % 200}` })
    const kinds = new Set(stage.alerts.map(({ subject }) => subject.kind))
    assert.deepEqual([...kinds].toSorted(), ['tenant', 'tool'])
    assert.ok(reasonsOf(stage, 'tenant').some((reasons) => reasons.includes('newcomers')))
  })

  it('are not told of again for what one caller explains', () => {
    const stage = known()
    step(stage, 5_000, { bytes: 5e6 }, 5)
    assert.deepEqual(
      stage.alerts.map(({ subject }) => subject.kind),
      ['principal'],
    )
  })
})

describe('somebody who is not known yet', () => {
  it('is judged by nothing that needs habits', () => {
    const stage = scene()
    for (let call = 0; call < 150; call++) step(stage, 20, { tool: `t${call}`, network: `192.0.2.${call}`, bytes: 1e7 })
    assert.deepEqual(stage.alerts, [])
  })

  it('is told of for denials in a burst and for injections all the same', () => {
    const denied = scene()
    step(denied, 100, { outcome: 'denied' }, 40)
    assert.ok(reasonsOf(denied).some((reasons) => reasons.includes('denied')))
    const injecting = scene()
    step(injecting, 100, { findings: 1 }, 6)
    assert.ok(reasonsOf(injecting).some((reasons) => reasons.includes('findings')))
  })
})

describe('answers', () => {
  const blocking = { answers: { low: 'note', medium: 'ask', high: 'throttle', critical: 'block' } } as const

  it('of each level follow and end with their time', () => {
    const stage = known(blocking)
    step(stage, 20, {}, 400)
    assert.equal(stage.watch.restrictionOf('acme', 'ana')?.answer, 'block')
    assert.equal(stage.watch.restrictionOf('other', 'ana'), undefined)
    assert.deepEqual([...new Set(stage.alerts.map(({ answer }) => answer))], ['alert', 'ask', 'throttle', 'block'])
    stage.now += 900_001
    assert.equal(stage.watch.restrictionOf('acme', 'ana'), undefined)
  })

  it('restrict no exempt principal, no tool and no tenant', () => {
    const stage = known({ answers: { low: 'block', medium: 'block', high: 'block', critical: 'block' } })
    step(stage, 20, { isExempt: true }, 400)
    assert.ok(stage.alerts.length > 0)
    assert.deepEqual(new Set(stage.alerts.map(({ answer }) => answer)), new Set(['alert']))
    assert.equal(stage.memory.restrictions.size, 0)
  })

  it('to a canary come at once, whoever it is, and once in a while with a count', () => {
    const stage = scene(blocking)
    const asker = { tenant: 'acme', principal: 'eve', isExempt: false, isAdministrator: false, incident: 'i' }
    for (let call = 0; call < 5; call++) stage.watch.sprung(asker)
    assert.equal(stage.watch.restrictionOf('acme', 'eve')?.answer, 'block')
    assert.deepEqual(
      stage.alerts.map(({ level, score, count }) => [level, score, count]),
      [['critical', 100, 1]],
    )
    stage.now += 600_000
    stage.watch.sprung(asker)
    assert.equal(stage.alerts.at(-1)?.count, 5)
    stage.watch.sprung(asker)
    stage.watch.sweep(stage.now + 600_000)
    assert.equal(stage.alerts.at(-1)?.count, 1)
  })

  it('to failed sign-ins block the address on all nodes, unless it is exempt', () => {
    const blocks: Block[] = []
    const parts = { blocks: { block: (block: Block) => void blocks.push(block), lift: () => Promise.resolve() } }
    const stage = scene({ answers: { low: 'note', medium: 'block', high: 'block', critical: 'block' } }, parts)
    for (let tries = 0; tries < 29; tries++) stage.watch.stranger('192.0.2.9', '@gateway', 'i')
    assert.deepEqual(blocks, [])
    stage.watch.stranger('192.0.2.9', '@gateway', 'i')
    assert.deepEqual(
      blocks.map(({ kind, value }) => [kind, value]),
      [['address', '192.0.2.9']],
    )
    const home = scene(stage.watch.rules, parts)
    home.see({ isExempt: true, network: '192.0.2.9' })
    for (let tries = 0; tries < 60; tries++) home.watch.stranger('192.0.2.9', '@gateway', 'i')
    assert.equal(blocks.length, 1, 'an administrator was there')
    const exempt = scene(stage.watch.rules, { ...parts, isExemptNetwork: () => true })
    for (let tries = 0; tries < 60; tries++) exempt.watch.stranger('192.0.2.9', '@gateway', 'i')
    assert.equal(blocks.length, 1)
    assert.equal(exempt.alerts[0]?.answer, 'alert')
  })

  it('to failed sign-ins from many networks of one site block the site, unless a home is in it', () => {
    const answers = { low: 'note', medium: 'block', high: 'block', critical: 'block' } as const
    const site = '2001:db8:1::/48'
    for (const isHome of [false, true]) {
      const blocks: Block[] = []
      const stage = scene(
        { answers },
        {
          blocks: { block: (block: Block) => void blocks.push(block), lift: () => Promise.resolve() },
          siteOf: () => ({ site, factor: 4 }),
        },
      )
      if (isHome) stage.see({ isExempt: true, network: '2001:db8:1:7::/64' })
      for (let tries = 0; tries < 120; tries++) stage.watch.stranger(`2001:db8:1:${tries}::/64`, '@gateway', 'i')
      assert.deepEqual(
        blocks.map(({ value }) => value),
        isHome ? [] : [site],
      )
    }
  })

  it('end by a release, and do not begin again at once', async () => {
    const stage = known(blocking)
    step(stage, 20, {}, 400)
    const subject = { kind: 'principal', tenant: 'acme', name: 'ana' } as const
    assert.equal(await stage.watch.release(subject, false), true)
    assert.equal(stage.watch.restrictionOf('acme', 'ana'), undefined)
    const before = reasonsOf(stage).length
    step(stage, 1_000, {}, 3)
    assert.equal(reasonsOf(stage).length, before)
    assert.equal(await stage.watch.release(subject, true), true)
    assert.equal(stage.memory.find('principal', 'acme', 'ana'), undefined)
    assert.equal(await stage.watch.release({ ...subject, name: 'nobody' }, false), false)
  })
})

describe('the clock', () => {
  it('may jump either way without an alarm, and without a number that is none', () => {
    const stage = known()
    for (const jump of [-3 * DAY, 400 * DAY, -400 * DAY, 1, 0, -1]) {
      stage.now += jump
      step(stage, 1_000, {}, 5)
    }
    const told = stage.alerts.flatMap(({ reasons }) => reasons.map(({ reason }) => reason))
    assert.deepEqual(told, [])
    for (const { page, base } of stage.memory.tables.principal.all())
      assert.ok([...page.f32.subarray(base + 16, base + 100)].every((value) => !(value < 0)))
  })
})
