import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { RateRule, RateStore, RateVerdict, Taking } from '../../src/traffic/rate-store.ts'

/** Opens an empty store on the given clock; milliseconds since the epoch. */
export type OpenRates = (context: TestContext, clock: { now(): number }) => Promise<RateStore>

const RULE: RateRule = { permits: 2, perSeconds: 10, burst: 5 }
const retryAfter = (verdict: RateVerdict) => (verdict.allowed ? 0 : verdict.retryAfterSeconds)

/** What every backend of the port `RateStore` has to do. */
export function rateStoreContract(backend: string, open: OpenRates): void {
  describe(`${backend} as RateStore`, () => {
    const start = 1_800_000_000_000
    const opened = async (t: TestContext) => {
      const clock = { at: start, now: () => clock.at }
      const store = await open(t, clock)
      const take = async (key = 'a', cost = 1, rule = RULE) => store.take([{ key, cost, rule }])
      const takeAll = async (...takings: readonly Taking[]) => store.take(takings)
      const empty = async (key = 'a') => {
        for (let i = 0; i < RULE.burst; i++) assert((await take(key)).allowed)
      }
      return { clock, take, takeAll, empty }
    }

    it('allows the burst and no more', async (t) => {
      const { take, empty } = await opened(t)
      await empty()
      assert(!(await take()).allowed)
    })

    it('gives exactly the permits that there are to 50 simultaneous callers', async (t) => {
      const { take } = await opened(t)
      const verdicts = await Promise.all(Array.from({ length: 50 }, () => take()))
      assert.equal(verdicts.filter(({ allowed }) => allowed).length, RULE.burst)
    })

    it('does not mix keys', async (t) => {
      const { take, empty } = await opened(t)
      await empty('a')
      assert((await take('b')).allowed)
      assert((await take('A')).allowed)
    })

    it('adds permits with time, none too early and none too many', async (t) => {
      const { clock, take, empty } = await opened(t)
      await empty()
      clock.at = start + 4999
      assert(!(await take()).allowed)
      clock.at = start + 5000
      assert((await take()).allowed)
      assert(!(await take()).allowed)
      clock.at = start + 1_000_000
      await empty()
      assert(!(await take()).allowed)
    })

    it('says after how many seconds it is worth trying again, and keeps its word', async (t) => {
      const { clock, take, empty } = await opened(t)
      await empty()
      assert.equal(retryAfter(await take()), 5)
      assert.equal(retryAfter(await take('a', 3)), 15)
      clock.at = start + 4200
      assert.equal(retryAfter(await take()), 1)
      clock.at = start + 5000
      assert((await take()).allowed)
    })

    it('takes nothing when it refuses', async (t) => {
      const { take } = await opened(t)
      assert((await take('a', 3)).allowed)
      assert(!(await take('a', 3)).allowed)
      assert((await take('a', 2)).allowed)
    })

    it('refuses for ever what costs more than the burst', async (t) => {
      const { clock, take } = await opened(t)
      clock.at = start + 1_000_000_000
      const verdict = await take('a', RULE.burst + 1)
      assert(!verdict.allowed && verdict.retryAfterSeconds >= 1)
    })

    it('gives nothing for a clock that was set back', async (t) => {
      const { clock, take, empty } = await opened(t)
      await empty()
      clock.at = start - 60_000
      assert(!(await take()).allowed)
      clock.at = start - 60_000 + 5000
      assert((await take()).allowed)
    })

    it('takes of several keys all or nothing, and names the one that lacks most', async (t) => {
      const { take, takeAll } = await opened(t)
      const scarce: RateRule = { permits: 1, perSeconds: 100, burst: 2 }
      const both = () => takeAll({ key: 'a', cost: 1, rule: RULE }, { key: 'b', cost: 2, rule: scarce })
      assert((await both()).allowed)
      assert.deepEqual(await both(), { allowed: false, key: 'b', retryAfterSeconds: 200 })
      assert((await take('a', 4)).allowed, 'nothing was taken of the key that had enough')
      assert(!(await take('a', 1)).allowed)
    })

    it('gives exactly the permits that there are to 64 callers of shared and own keys', async (t) => {
      const { takeAll } = await opened(t)
      const rule: RateRule = { permits: 1, perSeconds: 3_600, burst: 20 }
      const plenty: RateRule = { permits: 1, perSeconds: 3_600, burst: 64 }
      const verdicts = await Promise.all(
        Array.from({ length: 64 }, (_, at) =>
          takeAll({ key: `own ${at}`, cost: 1, rule: plenty }, { key: 'shared', cost: 1, rule }),
        ),
      )
      assert.equal(verdicts.filter(({ allowed }) => allowed).length, 20)
    })

    it('agrees with the algorithm written down in fractions', async (t) => {
      // The theoretical arrival time of ITU-T I.371, with exact fractions as pairs of big integers over `permits`.
      const { clock, take } = await opened(t)
      const rule: RateRule = { permits: 7, perSeconds: 3, burst: 11 }
      const period = BigInt(rule.perSeconds * 1_000)
      let theoretical = 0n
      let seed = 12_345
      const next = (most: number) => (seed = (seed * 48_271) % 2_147_483_647) % most
      let now = start
      for (let step = 0; step < 400; step++) {
        now += next(700)
        clock.at = now
        const cost = 1 + next(4)
        const scaled = BigInt(now) * BigInt(rule.permits)
        const from = theoretical > scaled ? theoretical : scaled
        const after = from + BigInt(cost) * period
        const allowed = after - scaled <= BigInt(rule.burst) * period
        if (allowed) theoretical = after
        assert.equal((await take('a', cost, rule)).allowed, allowed, `step ${step}`)
      }
    })

    it('counts exactly over a long time', async (t) => {
      const { clock, take } = await opened(t)
      const rule = { permits: 3, perSeconds: 7, burst: 1 }
      let allowed = 0
      for (let ms = 0; ms < 700_000; ms += 100) {
        clock.at = start + ms
        if ((await take('a', 1, rule)).allowed) allowed++
      }
      assert(allowed <= 301 && allowed >= 290, `${allowed} permits`)
    })
  })
}
