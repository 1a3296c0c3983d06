// The order in which stages run, what becomes of what they find out, and of what they throw.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Cancellation } from '../../src/core/cancellation.ts'
import type { Answer, Exchange } from '../../src/core/exchange.ts'
import { type Check, type Filter, Pipeline, type Wrap } from '../../src/core/pipeline.ts'
import { withPlaces } from '../../src/gateway/places.ts'

const exchange = (): Exchange => ({
  incident: 'i',
  receivedAt: 0,
  peer: { address: '127.0.0.1', encrypted: true },
  head: { method: 'POST', path: '/', query: '', headers: {} },
  body: { read: () => Buffer.alloc(0) },
  outlet: { send: () => {}, open: () => {} },
  departure: new Cancellation(),
})

/** A check that gives a fact, at once or later, and notes that it ran. */
const gives = (ran: string[], name: string, facts: object | void, late = false): Check<Exchange, object | void> => ({
  name,
  check: () => {
    ran.push(name)
    return late ? Promise.resolve(facts) : facts
  },
})

const around = (ran: string[], name: string): Wrap<Exchange> => ({
  name,
  async wrap(_exchange, next) {
    ran.push(name)
    const answer = await next()
    ran.push(`${name} back`)
    return answer
  },
})

describe('the pipeline', () => {
  it('runs checks, wraps and filters in their order, whether they settle at once or later, and knows what each has found', async () => {
    const ran: string[] = []
    const filter: Filter<Exchange> = {
      name: 'f',
      filter(message) {
        ran.push('f back')
        return { ...message, seen: true }
      },
    }
    const line = Pipeline.from<Exchange>()
      .check(gives(ran, 'a', { one: 1 }))
      .check(gives(ran, 'b', { two: 2 }, true))
      .check(gives(ran, 'c', undefined))
      .wrap(around(ran, 'w'))
      .check(gives(ran, 'd', { three: 3 }, true))
      .check(gives(ran, 'e', { four: 4 }))
      .filter(filter)
    let known: Record<string, unknown> = {}
    const serve = line.to(async (all) => {
      known = { ...all }
      ran.push('handler')
      return { status: 200, message: { jsonrpc: '2.0', id: 1 } }
    })
    const answer = await serve(exchange())
    assert.deepEqual(line.order, ['a', 'b', 'c', 'w', 'd', 'e', 'f'])
    assert.deepEqual(ran, ['a', 'b', 'c', 'w', 'd', 'e', 'handler', 'f back', 'w back'])
    assert.deepEqual([known['one'], known['two'], known['three'], known['four']], [1, 2, 3, 4])
    assert.deepEqual(answer.message, { jsonrpc: '2.0', id: 1, seen: true })
  })

  for (const late of [false, true]) {
    it(`stops at a check that refuses ${late ? 'later' : 'at once'}: nothing behind it runs, and the refusal is a rejection`, async () => {
      const ran: string[] = []
      const refuses: Check<Exchange> = {
        name: 'no',
        check() {
          if (late) return Promise.reject(new Error('refused'))
          throw new Error('refused')
        },
      }
      const serve = Pipeline.from<Exchange>()
        .check(gives(ran, 'a', {}))
        .check(refuses)
        .check(gives(ran, 'b', {}))
        .wrap(around(ran, 'w'))
        .to(async (): Promise<Answer> => {
          ran.push('handler')
          return { status: 200 }
        })
      await assert.rejects(serve(exchange()), /refused/)
      assert.deepEqual(ran, ['a'])
    })
  }

  it('hands a refusal behind a wrap to the wrap', async () => {
    const seen: unknown[] = []
    const wrap: Wrap<Exchange> = {
      name: 'w',
      wrap: (_exchange, next) => next().catch((thrown: unknown) => (seen.push(thrown), { status: 500 })),
    }
    const refuses: Check<Exchange> = {
      name: 'no',
      check() {
        throw new Error('refused')
      },
    }
    const serve = Pipeline.from<Exchange>()
      .wrap(wrap)
      .check(refuses)
      .to(async () => ({ status: 200 }))
    assert.equal((await serve(exchange())).status, 500)
    assert.equal(seen.length, 1)
  })

  for (const [where, served] of [
    ['an exchange as it came', (serve: (one: Exchange) => Promise<Answer>) => serve],
    ['an exchange that has its places', withPlaces],
  ] as const) {
    it(`lets no stage rewrite a fact of ${where}`, async () => {
      let reached = false
      const rewriting = (facts: object) =>
        served(
          Pipeline.from<Exchange>()
            .check(gives([], 'first', { principal: { id: 'a' } }))
            .check(gives([], 'second', facts))
            .to(async () => {
              reached = true
              return { status: 200 }
            }),
        )
      await assert.rejects(rewriting({ principal: { id: 'b' } })(exchange()), /"second" rewrites the fact "principal"/)
      await assert.rejects(rewriting({ incident: 'j' })(exchange()), /rewrites the fact "incident"/)
      assert.equal(reached, false)
      await rewriting({ call: {} })(exchange())
      assert.equal(reached, true)
    })
  }
})
