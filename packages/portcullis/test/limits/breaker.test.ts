import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AdaptiveLimit } from '../../src/limits/adaptive.ts'
import { Breaker, type BreakerRules, type BreakerState, type Outcome, type Pass } from '../../src/limits/breaker.ts'
import { overload, type Priority, priorityOf } from '../../src/limits/overload.ts'
import { codeOf, exchangeOf } from '../traffic/fixtures.ts'

const RULES: BreakerRules = { failures: 3, ratio: 0.5, windowMs: 10_000, openMs: 5_000, maxOpenMs: 20_000 }

function site(rules: Partial<BreakerRules> = {}) {
  const told: BreakerState[] = []
  const breaker = new Breaker({ ...RULES, ...rules }, (state) => told.push(state))
  const call = (outcome: Outcome, now = 0, caller = 'a'): number | undefined => {
    const pass = breaker.enter(caller, now)
    if (typeof pass === 'number') return pass
    pass(outcome, now)
    return undefined
  }
  return { breaker, told, call }
}

test('a breaker opens after so many failures, says for how long, and one call tries again', () => {
  const { breaker, told, call } = site()
  for (let n = 0; n < 3; n++) assert.equal(call('failure'), undefined)
  assert.equal(call('failure', 1_000), 4_000)
  const tried = breaker.enter('a', 5_000) as Pass
  assert.equal(breaker.state, 'half-open')
  assert.equal(breaker.enter('a', 5_001), 4_999, 'only one call tries')
  tried('success', 5_100)
  assert.equal(call('success', 5_200), undefined)
  assert.deepEqual(told, ['open', 'half-open', 'closed'])
})

test('each failed try doubles the time until the next one, up to a bound, and a good one forgets that', () => {
  const { call } = site()
  for (let n = 0; n < 3; n++) call('failure')
  let now = 5_000
  for (const wait of [10_000, 20_000, 20_000]) {
    assert.equal(call('failure', now), undefined)
    assert.equal(call('failure', now), wait)
    now += wait
  }
  assert.equal(call('success', now), undefined)
  for (let n = 0; n < 3; n++) call('failure', now)
  assert.equal(call('failure', now), 5_000)
})

test('a try that says nothing leaves the next one to another caller, and one that never ends is replaced', () => {
  const { breaker, call } = site()
  for (let n = 0; n < 3; n++) call('failure')
  assert.equal(call('neither', 5_000), undefined)
  const stuck = breaker.enter('a', 5_001) as Pass
  const second = breaker.enter('b', 10_001) as Pass
  stuck('failure', 10_002)
  assert.equal(breaker.state, 'half-open', 'the older try is not asked any more')
  second('success', 10_003)
  assert.equal(breaker.state, 'closed')
})

test('few failures among many calls, and failures of long ago, open nothing', () => {
  const { breaker, call } = site()
  for (let n = 0; n < 10; n++) call('success')
  for (let n = 0; n < 9; n++) call('failure')
  assert.equal(breaker.state, 'closed')
  const { breaker: slow, call: rarely } = site()
  for (let n = 0; n < 20; n++) rarely('failure', n * 11_000)
  assert.equal(slow.state, 'closed')
})

test('one caller that brings failures about does not shut out the others', () => {
  const { breaker, call } = site()
  call('success', 0, 'b')
  for (let n = 0; n < 1_000; n++) call('failure', 1, 'a')
  assert.equal(breaker.state, 'closed')
  call('failure', 2, 'b')
  assert.equal(breaker.state, 'open')
})

test('a caller who alone fails, and again whenever it may try, shuts out nobody else', () => {
  const { breaker, call, told } = site()
  for (let now = 0; now < 120_000; now += 1_000) {
    for (let n = 0; n < 5; n++) call('failure', now, 'a')
    assert.equal(call('success', now + 1, 'b'), undefined, `at ${now}`)
  }
  for (let n = 0; n < 5; n++) call('failure', 200_000, 'a')
  assert.equal(breaker.state, 'open')
  assert.equal(call('success', 200_001, 'c'), undefined)
  assert.equal(breaker.state, 'closed', 'a server that is there is there for all')
  assert.ok(told.includes('open'))
})

test('of a server that is gone each caller has one failure, a few at a time, and then waits', () => {
  const { breaker, call } = site()
  for (let n = 0; n < 3; n++) call('failure')
  const trying = ['b', 'c', 'd'].map((caller) => breaker.enter(caller, 1) as Pass)
  assert.equal(breaker.enter('e', 2), 4_998, 'three at a time')
  assert.equal(breaker.enter('b', 2), 4_998, 'and none twice')
  trying[0]?.('neither', 3)
  for (const pass of trying.slice(1)) pass('failure', 3)
  assert.equal(breaker.state, 'open')
  assert.equal(breaker.enter('c', 4), 4_996)
  assert.equal(call('failure', 4, 'b'), undefined, 'of one that gave up nothing is known')
  assert.equal(breaker.enter('b', 5), 4_995)
  for (let n = 0; n < 2_000; n++) call('failure', 6, `caller ${n}`)
  assert.equal(breaker.enter('somebody else', 7), 4_993, 'memory is bounded')
})

test('whatever happens, an open breaker lets nothing through before its time, and one call after it', () => {
  const step = fc.record({ outcome: fc.constantFrom<Outcome>('success', 'failure', 'neither'), ms: fc.nat(9_000) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { breaker } = site()
      let now = 0
      for (const { outcome, ms } of steps) {
        now += ms
        const before = breaker.state
        const pass = breaker.enter('a', now)
        if (typeof pass === 'number') {
          assert.ok(pass > 0 && pass <= RULES.maxOpenMs && before !== 'closed')
          continue
        }
        if (before !== 'closed') assert.equal(typeof breaker.enter('a', now), 'number')
        pass(outcome, now)
        pass('failure', now)
        if (before !== 'closed' && outcome === 'success') assert.equal(breaker.state, 'closed')
        if (before !== 'closed' && outcome === 'failure') assert.equal(breaker.state, 'open')
      }
    }),
  )
})

test('the number of calls at once shrinks while answers are slow, grows back, and stays in its bounds', () => {
  const limit = new AdaptiveLimit({ min: 4, max: 64, tolerance: 2 })
  for (let n = 0; n < 400; n++) limit.answered(10, limit.limit)
  const quick = limit.limit
  assert.equal(quick, 64)
  for (let n = 0; n < 60; n++) limit.answered(200, limit.limit)
  const slow = limit.limit
  assert.ok(slow < quick / 2, `${slow}`)
  for (let n = 0; n < 400; n++) limit.answered(10, limit.limit)
  assert.equal(limit.limit, 64)
  for (let n = 0; n < 200; n++) limit.failed()
  assert.equal(limit.limit, 4)
  for (let n = 0; n < 400; n++) limit.answered(10, 1)
  assert.equal(limit.limit, 4, 'whoever asks for little learns nothing about much')
})

test('streams are refused first, then calls, and administration and hellos last', () => {
  const heads: Readonly<Record<string, readonly [Parameters<typeof priorityOf>[0], boolean, Priority]>> = {
    administration: [exchangeOf({ method: 'GET' }).head, true, 'vital'],
    discover: [
      exchangeOf({ headers: { 'mcp-method': 'server/discover', 'mcp-protocol-version': 'x' } }).head,
      false,
      'vital',
    ],
    initialize: [exchangeOf({}).head, false, 'vital'],
    'the end of a session': [exchangeOf({ method: 'DELETE', headers: { 'mcp-session-id': 'x' } }).head, false, 'vital'],
    'a call': [
      exchangeOf({ headers: { 'mcp-method': 'tools/call', 'mcp-protocol-version': 'x' } }).head,
      false,
      'calls',
    ],
    'a call in a session': [exchangeOf({ headers: { 'mcp-session-id': 'x' } }).head, false, 'calls'],
    'a stream': [exchangeOf({ method: 'GET', headers: { 'mcp-session-id': 'x' } }).head, false, 'streams'],
    listen: [exchangeOf({ headers: { 'mcp-method': 'subscriptions/listen' } }).head, false, 'streams'],
  }
  for (const [what, [head, isAdministration, priority]] of Object.entries(heads)) {
    assert.equal(priorityOf(head, isAdministration), priority, what)
    for (const [lag, full] of [
      [0, 0],
      [99, 0.5],
      [100, 0],
      [200, 0],
      [1_000, 0],
      [0, 0.9],
    ] as const) {
      const rules = { lagMs: 100, queue: 0.75 }
      const isAdmin = () => isAdministration
      const stage = overload({ rules, lagMs: () => lag, fullness: () => full, isAdministration: isAdmin })
      const from = { streams: 100, calls: 200, vital: 1_000 }[priority]
      const isShed = lag >= from || (priority === 'streams' && full > 0.75)
      const code = codeOf(() => stage.check({ ...exchangeOf({}), head }))
      assert.equal(code, isShed ? 'traffic.shed' : 'passed', `${what} at ${lag} ms, ${full} full`)
    }
  }
})
