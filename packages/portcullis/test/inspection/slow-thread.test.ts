import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Cancellation } from '../../src/core/cancellation.ts'
import { type Claim, claimOf } from '../../src/inspection/claim.ts'
import { FairQueue } from '../../src/inspection/fair-queue.ts'
import { SlowThread } from '../../src/inspection/slow-thread.ts'
import { isFault } from '../upstream/harness.ts'

interface Task {
  readonly name: string
  readonly how?: 'answer' | 'hang' | 'throw' | 'exit'
}

const ALICE: Claim = { key: 'alice' }
const BOB: Claim = { key: 'bob' }

function made(patienceMs = 20_000, late: () => readonly string[] = () => ['late']) {
  const work = new URL('./slow-thread-work.ts', import.meta.url)
  return new SlowThread<Task, readonly string[]>({ work, name: 'tests', patienceMs, late })
}

describe('a thread for slow work', { timeout: 60_000 }, () => {
  it('takes callers in turns: one with much work delays another by one piece', async () => {
    const thread = made()
    const mine = ['a1', 'a2', 'a3', 'a4'].map((name) => thread.run({ name }, ALICE))
    assert.deepEqual(await thread.run({ name: 'b1' }, BOB), ['a1', 'a2', 'b1'])
    assert.deepEqual((await Promise.all(mine)).at(-1), ['a1', 'a2', 'b1', 'a3', 'a4'])
  })

  it('never begins what nobody waits for any more', async () => {
    const thread = made()
    const leaving = new Cancellation()
    const first = thread.run({ name: 'first' }, ALICE)
    const left = thread.run({ name: 'left' }, { ...ALICE, cancellation: leaving })
    const last = thread.run({ name: 'last' }, ALICE)
    leaving.cancel('deadline')
    await assert.rejects(left, isFault('upstream.ended', { reason: 'deadline' }))
    await first
    assert.deepEqual(await last, ['first', 'last'])
    await assert.rejects(thread.run({ name: 'late' }, { ...ALICE, cancellation: leaving }), isFault('upstream.ended'))
    assert.deepEqual(await thread.run({ name: 'again' }, ALICE), ['first', 'last', 'again'])
  })

  it('lets go of a caller who leaves while it is at work, and is then there for the next', async () => {
    const thread = made()
    const leaving = new Cancellation()
    const mine = thread.run({ name: 'mine' }, { ...ALICE, cancellation: leaving })
    leaving.cancel('client-left')
    await assert.rejects(mine, isFault('upstream.ended'))
    assert.deepEqual(await thread.run({ name: 'next' }, BOB), ['mine', 'next'])
  })

  it('is ended with what takes too long, and with nothing else', async () => {
    const thread = made(1_500)
    const slow = thread.run({ name: 'slow', how: 'hang' }, ALICE)
    const behind = ['one', 'two'].map((name) => thread.run({ name }, BOB))
    assert.deepEqual(await slow, ['late'])
    assert.deepEqual(await Promise.all(behind), [['one'], ['one', 'two']], 'in another thread')
  })

  it('refuses what takes too long when there is no answer for that', async () => {
    const thread = made(1_000, () => {
      throw new RangeError('too long')
    })
    await assert.rejects(thread.run({ name: 'slow', how: 'hang' }, ALICE), RangeError)
    assert.deepEqual(await thread.run({ name: 'next' }, ALICE), ['next'])
  })

  for (const how of ['throw', 'exit'] as const) {
    it(`fails one piece alone when it comes to a bad end: ${how}`, async () => {
      const thread = made()
      const bad = thread.run({ name: 'bad', how }, ALICE)
      const behind = thread.run({ name: 'behind' }, ALICE)
      await assert.rejects(bad, isFault('internal'))
      assert.deepEqual(await behind, ['behind'])
    })
  }
})

describe('a queue in turns', () => {
  it('gives everything once, in the order of each key, and no key twice while another waits', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean())), (wishes) => {
        const queue = new FairQueue<{ readonly key: string; readonly at: number }>()
        const items = wishes.map(([key], at) => ({ key, at }))
        for (const item of items) queue.add(item.key, item)
        for (const [at, [key, isDropped]] of wishes.entries()) if (isDropped) queue.drop(key, items[at] as never)
        const kept = items.filter((_, at) => wishes[at]?.[1] === false)
        const taken = kept.map(() => queue.take())
        assert.equal(queue.take(), undefined)
        for (const key of ['a', 'b', 'c']) {
          const own = (all: readonly ({ readonly key: string } | undefined)[]) => all.filter((one) => one?.key === key)
          assert.deepEqual(own(taken), own(kept))
        }
        taken.forEach((one, at) => {
          const isAlone = taken.slice(at + 1).every((later) => later?.key === one?.key)
          assert.ok(isAlone || taken[at + 1]?.key !== one?.key)
        })
      }),
    )
  })
})

describe('the account on which work is done', () => {
  it('is the principal in its tenant, and nobody where nobody has asked', () => {
    const cancellation = new Cancellation()
    const claim = claimOf({ principal: { tenant: 'acme', id: 'alice' }, cancellation })
    assert.deepEqual(claim, { key: 'acme\nalice', cancellation })
    assert.notEqual(claimOf({ principal: { tenant: 'other', id: 'alice' } }).key, claim.key)
    assert.deepEqual(claimOf({}), { key: '' })
  })
})
