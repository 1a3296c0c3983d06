// What waits for the end of a stream: every stage is told once, in order, as if it had waited for a promise.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Cancellation } from '../../src/core/cancellation.ts'
import type { Answer, Ending, Exchange } from '../../src/core/exchange.ts'
import { LastingStream, whenEnded } from '../../src/core/lasting.ts'
import { type Filter, Pipeline, type Wrap } from '../../src/core/pipeline.ts'

const LAST: Answer = { status: 200, message: { jsonrpc: '2.0', id: 1, result: {} } }
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** What a stage does at the end: lets the answer pass, throws, or turns what was thrown into an answer. */
type Way = 'passes' | 'throws' | 'answers'

function ending(way: Way, name: string, told: string[]): Ending {
  return {
    answered(answer) {
      told.push(`${name} answered ${answer.status}`)
      if (way === 'throws') throw new Error(name)
      return way === 'answers' ? Promise.resolve({ status: answer.status + 1 }) : answer
    },
    failed(thrown) {
      told.push(`${name} failed ${(thrown as Error).message}`)
      if (way === 'answers') return { status: 500 }
      throw thrown
    },
  }
}

describe('the end of a stream that lasts', () => {
  it('is told to every stage as a promise would be, whenever it comes: before, between or after they were added', async () => {
    const ways = fc.array(fc.constantFrom<Way>('passes', 'throws', 'answers'), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(ways, fc.nat(6), async (stages, endsAt) => {
        const wanted: string[] = []
        let promise = Promise.resolve(LAST)
        for (const [at, way] of stages.entries()) {
          const { answered, failed } = ending(way, `${at}`, wanted)
          promise = promise.then(answered, failed)
        }
        await promise.catch(() => {})
        const told: string[] = []
        const stream = new LastingStream()
        for (const [at, way] of stages.entries()) {
          if (at === endsAt) stream.end(LAST)
          stream.add(ending(way, `${at}`, told))
        }
        stream.end(LAST)
        stream.end({ status: 404 })
        await settled()
        assert.deepEqual(told, wanted)
      }),
      { numRuns: 100 },
    )
  })

  it('is what a stage waits for when the answer says so, and nothing else is', async () => {
    const told: string[] = []
    assert.equal(await whenEnded(Promise.resolve(LAST), ending('passes', 'a', told)), LAST)
    await assert.rejects(whenEnded(Promise.reject(new Error('no')), ending('passes', 'b', told)), /no/)
    const stream = new LastingStream()
    const begun = { status: 200, lasting: stream }
    assert.equal(await whenEnded(Promise.resolve(begun), ending('passes', 'c', told)), begun)
    assert.deepEqual(told, ['a answered 200', 'b failed no'])
    stream.end(LAST)
    await settled()
    assert.equal(told.at(-1), 'c answered 200')
  })

  it('passes the filters of the pipeline, inside the wraps that stand around them', async () => {
    const told: string[] = []
    const around: Wrap<Exchange> = {
      name: 'around',
      wrap: (_exchange, next) =>
        whenEnded(next(), {
          answered(answer) {
            told.push(`around ${JSON.stringify(answer.message)}`)
            return answer
          },
          failed: (thrown) => Promise.reject(thrown),
        }),
    }
    const filter: Filter<Exchange> = { name: 'filter', filter: (message) => ({ ...message, seen: true }) }
    const unconcerned: Filter<Exchange> = {
      name: 'unconcerned',
      concerns: () => false,
      filter: () => assert.fail('it does not concern this exchange'),
    }
    const stream = new LastingStream()
    const serve = Pipeline.from<Exchange>()
      .wrap(around)
      .filter(filter)
      .filter(unconcerned)
      .to(async () => ({ status: 200, lasting: stream }))
    const answer = await serve({
      incident: 'i',
      receivedAt: 0,
      peer: { address: '127.0.0.1', encrypted: true },
      head: { method: 'POST', path: '/', query: '', headers: {} },
      body: { read: () => Buffer.alloc(0) },
      outlet: { send: () => {}, open: () => {} },
      departure: new Cancellation(),
    })
    assert.equal(answer.message, undefined)
    assert.deepEqual(told, [])
    stream.end(LAST)
    await settled()
    assert.deepEqual(told, ['around {"jsonrpc":"2.0","id":1,"result":{},"seen":true}'])
  })
})
