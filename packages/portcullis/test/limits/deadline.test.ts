import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { Cancellation, type CancelReason } from '../../src/core/cancellation.ts'
import type { Answer } from '../../src/core/exchange.ts'
import { Fault } from '../../src/core/fault.ts'
import { bound } from '../../src/limits/bound.ts'
import { deadline, type DeadlineOptions } from '../../src/limits/deadline.ts'
import { ANSWER, type Known, newExchange, settle } from './fixtures.ts'

beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'] }))
afterEach(() => mock.timers.reset())

const stage = (options: Partial<DeadlineOptions<Known>> = {}) =>
  deadline<Known>({
    deadlineMsOf: () => 1000,
    idleMsOf: () => undefined,
    endsOnDeparture: () => true,
    shutdown: new Cancellation(),
    now: () => Date.now(),
    ...options,
  })

/** Work that ends only when it is told to. */
function openWork() {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  return { next: () => promise, resolve, reject }
}

const isPending = async (promise: Promise<unknown>): Promise<boolean> => {
  let pending = true
  promise.then(
    () => (pending = false),
    () => (pending = false),
  )
  await settle()
  return pending
}

test('each exchange gets a cancellation of its own', () => {
  const first = bound.check(newExchange())
  const second = bound.check(newExchange())
  assert.ok('cancellation' in first && 'cancellation' in second)
  assert.notEqual(first.cancellation, second.cancellation)
})

test('what ends in time is answered, and its timer is gone', async () => {
  const exchange = newExchange()
  assert.equal(await stage().wrap(exchange, async () => ANSWER), ANSWER)
  mock.timers.tick(5000)
  assert.equal(exchange.cancellation.cancelled, false)
})

test('what fails in time fails as it did', async () => {
  const fault = new Fault('policy.denied')
  await assert.rejects(
    stage().wrap(newExchange(), () => Promise.reject(fault)),
    fault,
  )
})

test('what takes too long is refused and cancelled, whether or not it ever ends', async () => {
  const exchange = newExchange()
  const work = openWork()
  const answer = stage().wrap(exchange, work.next)
  mock.timers.tick(999)
  assert.equal(await isPending(answer), true)
  mock.timers.tick(1)
  await assert.rejects(answer, { code: 'limits.deadline', detail: { deadlineMs: 1000 } })
  assert.equal(exchange.cancellation.reason, 'deadline')
  work.reject(new Error('late'))
  await settle()
})

test('a deadline of nothing refuses at once', async () => {
  await assert.rejects(stage({ deadlineMsOf: () => 0 }).wrap(newExchange(), openWork().next), {
    code: 'limits.deadline',
  })
})

test('more time that turns out to be allowed is given', async () => {
  const exchange = newExchange()
  const answer = stage({ deadlineMsOf: ({ method }) => (method === 'slow' ? 3000 : 1000) }).wrap(
    exchange,
    openWork().next,
  )
  exchange.method = 'slow'
  mock.timers.tick(1000)
  mock.timers.tick(1999)
  assert.equal(await isPending(answer), true)
  mock.timers.tick(1)
  await assert.rejects(answer, { code: 'limits.deadline', detail: { deadlineMs: 3000 } })
})

test('a stream that turns out to last may last as long as it is not silent', async () => {
  const exchange = newExchange()
  const options = {
    deadlineMsOf: ({ method }: Known) => (method === 'listen' ? undefined : 1000),
    idleMsOf: () => 500,
  }
  const work = openWork()
  const answer = stage(options).wrap(exchange, work.next)
  exchange.method = 'listen'
  mock.timers.tick(1000)
  for (let n = 0; n < 10; n++) {
    mock.timers.tick(400)
    void exchange.outlet.send({ jsonrpc: '2.0', method: 'news' })
  }
  assert.equal(await isPending(answer), true)
  mock.timers.tick(500)
  assert.equal(exchange.cancellation.reason, 'deadline')
  work.resolve(ANSWER)
  assert.equal(await answer, ANSWER)
})

test('messages do not put off an absolute deadline', async () => {
  const exchange = newExchange()
  const answer = stage({ idleMsOf: () => 10_000 }).wrap(exchange, openWork().next)
  for (let n = 0; n < 10; n++) {
    void exchange.outlet.send({ jsonrpc: '2.0', method: 'progress' })
    mock.timers.tick(100)
  }
  await assert.rejects(answer, { code: 'limits.deadline' })
})

test('a stream without any limit lasts', async () => {
  const answer = stage({ deadlineMsOf: () => undefined }).wrap(newExchange(), openWork().next)
  mock.timers.tick(86_400_000)
  assert.equal(await isPending(answer), true)
})

const REASONS: readonly CancelReason[] = ['client-left', 'client-cancelled']
for (const reason of REASONS) {
  test(`a client that is gone (${reason}) ends the call where its era says so, and only there`, async () => {
    for (const ends of [true, false]) {
      const exchange = newExchange()
      const work = openWork()
      const answer = stage({ endsOnDeparture: () => ends }).wrap(exchange, work.next)
      exchange.departure.cancel(reason)
      assert.equal(exchange.cancellation.reason, ends ? reason : undefined)
      work.resolve(ANSWER)
      assert.equal(await answer, ANSWER)
    }
  })
}

test('a client that was gone before the stage was reached counts as well', async () => {
  const exchange = newExchange()
  exchange.departure.cancel('client-left')
  await stage().wrap(exchange, async () => ANSWER)
  assert.equal(exchange.cancellation.reason, 'client-left')
})

test('a shutdown cancels what is under way and what comes later, and nothing that has ended', async () => {
  const shutdown = new Cancellation()
  const wrapped = stage({ shutdown })
  const [ended, running, later] = [newExchange(), newExchange(), newExchange()]
  await wrapped.wrap(ended, async () => ANSWER)
  const work = openWork()
  const answer = wrapped.wrap(running, work.next)
  shutdown.cancel('shutdown')
  await wrapped.wrap(later, async () => ANSWER)
  assert.deepEqual(
    [ended, running, later].map(({ cancellation }) => cancellation.reason),
    [undefined, 'shutdown', 'shutdown'],
  )
  work.resolve(ANSWER)
  await answer
})
