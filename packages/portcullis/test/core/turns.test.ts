import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { describe, it } from 'node:test'
import { eachInTurns, inTurns, ownTurn } from '../../src/core/turns.ts'

/** Work that takes so many milliseconds of the processor, and notes each time that it goes on. */
function busy(totalMs: number, log: string[], name: string): (until: number) => boolean {
  let left = totalMs
  return (until) => {
    log.push(name)
    for (let last = performance.now(); left > 0 && last < until; ) {
      const now = performance.now()
      left -= now - last
      last = now
    }
    return left <= 0
  }
}

describe('work in turns', () => {
  it('lets others run in between', async () => {
    let others = 0
    let isOver = false
    const count = (): void => {
      others++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    await inTurns(busy(60, [], 'a'))
    isOver = true
    assert(others >= 3, `${others}`)
  })

  it('leaves everybody else many turns for each of its own, work in pieces included', async () => {
    let others = 0
    let isOver = false
    const count = (): void => {
      others++
      if (!isOver) setImmediate(count)
    }
    const log: string[] = []
    const pieces = async (): Promise<void> => {
      for (let piece = 0; piece < 5; piece++) {
        await ownTurn()
        log.push('piece')
      }
    }
    setImmediate(count)
    await Promise.all([inTurns(busy(8, log, 'long')), pieces(), pieces()])
    isOver = true
    assert(log.filter((name) => name === 'piece').length === 10)
    assert(others >= 4 * log.length, `${others} turns of others beside ${log.length}`)
  })

  it('does not begin before the caller has gone on', async () => {
    const log: string[] = []
    const done = inTurns(busy(0, log, 'work'))
    log.push('caller')
    await done
    assert.deepEqual(log, ['caller', 'work'])
  })

  it('shares each turn among all work, so that what is short does not wait for what is long', async () => {
    const log: string[] = []
    const long = inTurns(busy(60, log, 'long')).then(() => log.push('long is done'))
    const short = inTurns(busy(1, log, 'short')).then(() => log.push('short is done'))
    await Promise.all([long, short])
    assert(log.indexOf('short is done') < log.indexOf('long is done'))
  })

  it('gives on what the work throws, and goes on with other work', async () => {
    const failing = inTurns(() => {
      throw new RangeError('broken')
    })
    const other = inTurns(() => true)
    await assert.rejects(failing, RangeError)
    await other
  })

  it('goes over a few values at once and over many in turns, always in their order', async () => {
    const seen: number[] = []
    assert.equal(
      eachInTurns([1, 2, 3], 3, (value) => seen.push(value)),
      undefined,
    )
    assert.deepEqual(seen, [1, 2, 3])
    const many = Array.from({ length: 10_000 }, (_, index) => index)
    seen.length = 0
    const done = eachInTurns(many, 3, (value) => seen.push(value))
    assert.deepEqual(seen, [])
    await done
    assert.deepEqual(seen, many)
  })

  it('stops at the value that could not be dealt with', async () => {
    const seen: number[] = []
    const each = (value: number): void => {
      if (value === 2) throw new RangeError('broken')
      seen.push(value)
    }
    await assert.rejects(async () => eachInTurns([0, 1, 2, 3], 1, each), RangeError)
    assert.deepEqual(seen, [0, 1])
  })
})
