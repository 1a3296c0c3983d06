import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { Pipeline } from '../../src/core/pipeline.ts'
import { MemoryRateStore } from '../../src/traffic/memory-rate-store.ts'
import { SITE_FACTOR } from '../../src/traffic/network.ts'
import { rateByAddress, rateByCaller } from '../../src/traffic/rate-limit.ts'
import type { RateStore } from '../../src/traffic/rate-store.ts'
import { clockAt, codeOf, exchangeBy, exchangeOf } from './fixtures.ts'

const RULE = { permits: 1, perSeconds: 30, burst: 2 }
const store = () => new MemoryRateStore(clockAt(0))

test('an address is limited, another one is not, and spellings of one are one', () => {
  const stage = rateByAddress(store(), RULE)
  const code = (address: string) => codeOf(() => stage.check(exchangeOf({}, address)))
  assert.equal(code('192.0.2.1'), 'passed')
  assert.equal(code('::ffff:192.0.2.1'), 'passed')
  assert.equal(code('192.0.2.1'), 'traffic.rate_limited')
  assert.equal(code('192.0.2.2'), 'passed')
})

test('addresses of one IPv6 /64 share their permits', () => {
  const stage = rateByAddress(store(), RULE)
  const code = (address: string) => codeOf(() => stage.check(exchangeOf({}, address)))
  assert.deepEqual(['2001:db8::1', '2001:db8::2', '2001:db8:0:0:ffff::3', '2001:db8:0:1::1'].map(code), [
    'passed',
    'passed',
    'traffic.rate_limited',
    'passed',
  ])
})

test('a site that has many /64s shares the permits of some of them', () => {
  const stage = rateByAddress(store(), RULE)
  const tried = Array.from({ length: 40 }, (_, n) => `2001:db8:1:${n.toString(16)}::1`)
  const passed = tried.filter((address) => codeOf(() => stage.check(exchangeOf({}, address))) === 'passed')
  assert.equal(passed.length, RULE.burst * SITE_FACTOR)
  assert.equal(
    codeOf(() => stage.check(exchangeOf({}, '2001:db8:2::1'))),
    'passed',
  )
})

test('a principal is limited whatever its address, and never by another tenant', () => {
  const stage = rateByCaller(store(), { perPrincipal: RULE, ofTenant: () => undefined })
  const code = (tenant: string, id: string) => codeOf(() => stage.check(exchangeBy(tenant, id)))
  assert.deepEqual(
    [
      code('a', 'key:1'),
      code('a', 'key:1'),
      code('a', 'key:1'),
      code('b', 'key:1'),
      code('a","key', '1'),
      code('a', 'key","1'),
    ],
    ['passed', 'passed', 'traffic.rate_limited', 'passed', 'passed', 'passed'],
  )
})

test('the refusal says when to come back, in whole seconds', () => {
  const stage = rateByAddress(store(), { permits: 1, perSeconds: 30, burst: 1 })
  stage.check(exchangeOf({}))
  assert.throws(
    () => stage.check(exchangeOf({})),
    (thrown) => thrown instanceof Fault && thrown.options.headers?.['retry-after'] === '30',
  )
})

test('a probe is shed with 503, because 429 would send its client to the old era for good', () => {
  const stage = rateByAddress(store(), { permits: 1, perSeconds: 30, burst: 1 })
  const probe = exchangeOf({ headers: { 'mcp-method': 'server/discover' } })
  stage.check(probe)
  assert.throws(
    () => stage.check(probe),
    (thrown) =>
      thrown instanceof Fault && thrown.code === 'traffic.shed' && thrown.options.headers?.['retry-after'] === '30',
  )
})

const remote = (verdict: RateStore['take']): RateStore => ({ take: verdict })
const gate = (rates: RateStore) => {
  const reached: string[] = []
  const handler = Pipeline.from<ReturnType<typeof exchangeOf>>()
    .check(rateByAddress(rates, RULE))
    .to(async ({ peer }) => ({ status: 200 + reached.push(peer.address) }))
  return { reached, handler }
}

test('a store that answers later refuses as well', async () => {
  const { reached, handler } = gate(remote(async () => ({ allowed: false, key: 'k', retryAfterSeconds: 3 })))
  await assert.rejects(handler(exchangeOf({})), { code: 'traffic.rate_limited' })
  assert.deepEqual(reached, [])
})

test('a store that cannot be asked lets nobody through', async () => {
  const { reached, handler } = gate(remote(() => Promise.reject(new Error('down'))))
  await assert.rejects(handler(exchangeOf({})))
  assert.deepEqual(reached, [])
})

test('of 50 simultaneous requests exactly as many pass as there are permits', async () => {
  const { reached, handler } = gate(store())
  await Promise.allSettled(Array.from({ length: 50 }, () => handler(exchangeOf({}))))
  assert.equal(reached.length, RULE.burst)
})
