import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { Answer } from '../../src/core/exchange.ts'
import { Fault } from '../../src/core/fault.ts'
import { concurrency, type ConcurrencyOptions } from '../../src/limits/concurrency.ts'
import { ANSWER, type Known, newExchange, principalNamed, settle } from './fixtures.ts'

const stage = (options: Partial<ConcurrencyOptions<Known>> = {}) =>
  concurrency<Known>({
    maxTotal: 2,
    maxPerPrincipal: 1,
    reserved: 0,
    maxQueued: 1,
    maxQueuedPerPrincipal: 1,
    maxWaitMs: 1000,
    retryAfterSeconds: 2,
    isAdministrator: ({ roles }) => roles.includes('administrator'),
    counts: () => true,
    ...options,
  })

/** A call that runs until it is ended, and knows whether it began. */
function openCall() {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const call = {
    began: false,
    next: () => {
      call.began = true
      return promise
    },
    end: () => resolve(ANSWER),
    fail: () => reject(new Fault('upstream.ended')),
  }
  return call
}

/** Starts a call whose end does not matter. */
const begin = (promise: Promise<Answer>): void => void promise.catch(() => undefined)

test('a call waits until the one before it has ended, well or not', async () => {
  for (const how of ['end', 'fail'] as const) {
    const wrapped = stage()
    const [first, second] = [openCall(), openCall()]
    const running = wrapped.wrap(newExchange(), first.next)
    const waiting = wrapped.wrap(newExchange(), second.next)
    await settle()
    assert.deepEqual([first.began, second.began], [true, false])
    first[how]()
    await running.catch(() => undefined)
    await settle()
    assert.equal(second.began, true)
    second.end()
    assert.equal(await waiting, ANSWER)
  }
})

test('principals of different tenants with one name are not one', async () => {
  const wrapped = stage()
  const [first, second] = [openCall(), openCall()]
  begin(wrapped.wrap(newExchange(), first.next))
  begin(wrapped.wrap(newExchange({ principal: { ...principalNamed('alice'), tenant: 'mega' } }), second.next))
  assert.deepEqual([first.began, second.began], [true, true])
})

test('a full queue refuses with the time to retry after, and the call never begins', async () => {
  const wrapped = stage()
  begin(wrapped.wrap(newExchange(), openCall().next))
  begin(wrapped.wrap(newExchange(), openCall().next))
  const refused = openCall()
  const problem = { code: 'limits.concurrency', options: { headers: { 'Retry-After': '2' } } }
  await assert.rejects(wrapped.wrap(newExchange(), refused.next), problem)
  assert.equal(refused.began, false)
})

test('a wait that is too long is refused, and the slot goes to somebody else', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const wrapped = stage()
    const [first, second, third] = [openCall(), openCall(), openCall()]
    const running = wrapped.wrap(newExchange(), first.next)
    const waiting = wrapped.wrap(newExchange(), second.next)
    mock.timers.tick(1000)
    await assert.rejects(waiting, { code: 'limits.concurrency' })
    const next = wrapped.wrap(newExchange(), third.next)
    first.end()
    await running
    await settle()
    assert.deepEqual([second.began, third.began], [false, true])
    third.end()
    assert.equal(await next, ANSWER)
  } finally {
    mock.timers.reset()
  }
})

test('a call that is cancelled while it waits leaves the queue and never begins', async () => {
  const wrapped = stage()
  const [first, second] = [openCall(), openCall()]
  const running = wrapped.wrap(newExchange(), first.next)
  const exchange = newExchange()
  const waiting = wrapped.wrap(exchange, second.next)
  exchange.cancellation.cancel('client-left')
  await assert.rejects(waiting, { code: 'upstream.ended', detail: { reason: 'client-left' } })
  first.end()
  await running
  assert.equal(second.began, false)
})

test('a call that was cancelled before it had to wait does not wait', async () => {
  const wrapped = stage()
  begin(wrapped.wrap(newExchange(), openCall().next))
  const exchange = newExchange()
  exchange.cancellation.cancel('deadline')
  await assert.rejects(wrapped.wrap(exchange, openCall().next), { code: 'upstream.ended' })
})

test('administrators get in when everybody else has filled the gateway', async () => {
  const wrapped = stage({ reserved: 1, maxQueued: 0 })
  const [first, second, admin] = [openCall(), openCall(), openCall()]
  begin(wrapped.wrap(newExchange({ principal: principalNamed('a') }), first.next))
  const refused = wrapped.wrap(newExchange({ principal: principalNamed('b') }), second.next)
  await assert.rejects(refused, { code: 'limits.concurrency' })
  begin(wrapped.wrap(newExchange({ principal: principalNamed('root', ['administrator']) }), admin.next))
  assert.deepEqual([first.began, second.began, admin.began], [true, false, true])
})

test('what does not count takes no slot', async () => {
  const wrapped = stage({ counts: ({ method }) => method !== 'listen' })
  const [stream, call] = [openCall(), openCall()]
  begin(wrapped.wrap(newExchange({ method: 'listen' }), stream.next))
  begin(wrapped.wrap(newExchange(), call.next))
  assert.deepEqual([stream.began, call.began], [true, true])
})
