/** The limits in a real Redis: the same contract as in memory, over TLS, and what happens when it goes away. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it, type TestContext } from 'node:test'
import { RedisRateStore } from '../../../src/stores/redis/rates.ts'
import { GuardedRates } from '../../../src/traffic/guarded-rates.ts'
import { MemoryRateStore } from '../../../src/traffic/memory-rate-store.ts'
import { rateStoreContract } from '../../contracts/rate-store.contract.ts'
import { startRedis, type TestRedis } from '../../fixtures/redis.ts'

let redis: TestRedis
const ending: (() => unknown)[] = []
before(async () => {
  redis = await startRedis({ after: (end: () => unknown) => ending.push(end) } as unknown as TestContext)
})
after(async () => {
  for (const end of ending.reverse()) await end()
})

let databases = 0

/** A database of its own for each store. */
async function open(t: TestContext, more: Partial<ConstructorParameters<typeof RedisRateStore>[0]> = {}, db?: number) {
  const store = new RedisRateStore({
    ...{ url: new URL(redis.url.replace(/0$/, String(db ?? databases++ % 16))), password: redis.password },
    ...{ tls: { ca: readFileSync(redis.caFile, 'utf8') }, connectTimeoutMs: 2_000, commandTimeoutMs: 2_000 },
    ...{ onProblem: () => {}, ...more },
  })
  t.after(() => store.close())
  await store.open()
  return store
}

rateStoreContract('redis', (t, clock) => open(t, { clock }))

const taking = (key: string, burst: number) =>
  [{ key, cost: 1, rule: { permits: 1, perSeconds: 3_600, burst } }] as const

describe('limits in Redis', () => {
  it('are exact for 64 callers of two connections at once, by the clock of the server', async (t) => {
    const stores = [await open(t, {}, 15), await open(t, {}, 15)]
    const verdicts = await Promise.all(
      Array.from({ length: 64 }, async (_, at) => (stores[at % 2] as RedisRateStore).take(taking('both', 20))),
    )
    assert.equal(verdicts.filter(({ allowed }) => allowed).length, 20)
  })

  it('are not asked of a server whose certificate nobody vouches for, or without the password', async (t) => {
    await assert.rejects(open(t, { tls: {} }), /certificate/i)
    await assert.rejects(open(t, { password: 'wrong' }), /WRONGPASS|NOAUTH|password/i)
  })

  it('refuse while the server is away, count alone where that is allowed, and come back by themselves', async (t) => {
    const shared = await open(t, { commandTimeoutMs: 300 }, 14)
    const clock = { now: () => performance.now() }
    const told: boolean[] = []
    const onChange = (error: unknown) => void told.push(error !== undefined)
    const strict = new GuardedRates({ shared, clock, onChange })
    const lenient = new GuardedRates({ shared, clock, onChange: () => {}, local: new MemoryRateStore(clock) })
    assert.deepEqual(await strict.take(taking('a', 2)), { allowed: true })
    await redis.kill()
    for (let call = 0; call < 5; call++)
      await assert.rejects(
        strict.take(taking('a', 2)),
        (thrown: { code?: string }) => thrown.code === 'traffic.unavailable',
      )
    const alone = [await lenient.take(taking('b', 1)), await lenient.take(taking('b', 1))]
    assert.deepEqual(
      alone.map(({ allowed }) => allowed),
      [true, false],
    )
    await redis.again()
    for (;;) {
      const verdict = await strict.take(taking('a', 2)).catch(() => undefined)
      if (verdict?.allowed === true) break
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    assert.deepEqual(told, [true, false])
  })

  it('do not wait for a server that hangs', async (t) => {
    const shared = await open(t, { commandTimeoutMs: 200 }, 13)
    redis.process.kill('SIGSTOP')
    t.after(() => redis.process.kill('SIGCONT'))
    const strict = new GuardedRates({ shared, clock: { now: () => performance.now() }, onChange: () => {} })
    await assert.rejects(
      strict.take(taking('a', 2)),
      (thrown: { code?: string }) => thrown.code === 'traffic.unavailable',
    )
    redis.process.kill('SIGCONT')
  })
})
