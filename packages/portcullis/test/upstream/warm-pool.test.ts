import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { type Standing, WarmPool, type WarmPoolOptions } from '../../src/upstream/warm-pool.ts'
import { until } from './harness.ts'

class Item implements Standing {
  readonly shape: string
  stopped = false
  readonly exited: Promise<void>
  end: () => void = () => {}

  constructor(shape: string) {
    this.shape = shape
    this.exited = new Promise((resolve) => {
      this.end = resolve
    })
  }

  async stop(): Promise<void> {
    this.stopped = true
    this.end()
  }
}

const pools: Array<WarmPool<Item>> = []
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())))

function setUp(size: number, more: Partial<WarmPoolOptions<Item>> = {}) {
  const clock = { at: 1_000_000, now: () => clock.at }
  const made: Item[] = []
  const prepare = async (shape: string): Promise<Item> => {
    const item = new Item(shape)
    made.push(item)
    return item
  }
  const pool = new WarmPool<Item>({ clock, size, idleMs: 60_000, prepare, ...more })
  pools.push(pool)
  return { pool, clock, made }
}

describe('WarmPool', () => {
  it('makes nothing before it is known what will be asked for', () => {
    const { pool, made } = setUp(2)
    assert.equal(pool.take('a'), undefined)
    assert.equal(made.length, 0)
  })

  it('hands each one out once, and makes another in its place', async () => {
    const { pool, made } = setUp(2)
    pool.expect('a')
    await until(() => pool.size === 2)
    const taken = [pool.take('a'), pool.take('a'), pool.take('a')]
    assert.deepEqual(taken, [made[0], made[1], undefined])
    pool.expect('a')
    await until(() => pool.size === 2)
    assert.deepEqual([pool.take('a'), pool.take('a')], [made[2], made[3]])
    assert.ok(made.every((item) => !item.stopped))
  })

  it('never has more than its size, however often it is asked', async () => {
    const { pool, made } = setUp(1)
    for (let asked = 0; asked < 5; asked++) pool.expect('a')
    await until(() => pool.size === 1)
    pool.expect('a')
    await new Promise((resolve) => setTimeout(resolve, 120))
    assert.equal(made.length, 1)
  })

  it('makes what was last asked for, in place of what was not', async () => {
    const { pool, made } = setUp(2)
    pool.expect('a')
    await until(() => pool.size === 2)
    assert.equal(pool.take('b'), undefined)
    pool.expect('b')
    await until(() => made.filter((item) => item.shape === 'b').length === 2 && pool.size === 2)
    assert.deepEqual(
      made.filter((item) => item.shape === 'a').map((item) => item.stopped),
      [true, true],
    )
  })

  it('replaces one that ended while it waited, and never hands it out', async () => {
    const { pool, made } = setUp(1)
    pool.expect('a')
    await until(() => pool.size === 1)
    made[0]?.end()
    await until(() => made.length === 2 && pool.size === 1)
    assert.equal(pool.take('a'), made[1])
  })

  it('does not mind the end of one that it has handed out', async () => {
    const { pool, made } = setUp(1)
    pool.expect('a')
    await until(() => pool.size === 1)
    await new Promise((resolve) => setTimeout(resolve, 30)) // the pool has seen by then that it is full
    pool.take('a')?.end()
    await new Promise((resolve) => setTimeout(resolve, 80))
    assert.equal(made.length, 1)
  })

  it('tries a start that failed again when its back-off is over, and tells of it', async () => {
    let tried = 0
    const failures: unknown[] = []
    const prepare = async (shape: string): Promise<Item> => {
      if (++tried < 3) throw new Error('down')
      return new Item(shape)
    }
    const { pool, clock } = setUp(1, { prepare, onFailure: (thrown) => failures.push(thrown) })
    pool.expect('a')
    await until(() => tried === 1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal(tried, 1, 'it waits')
    clock.at += 250
    await until(() => tried === 2)
    clock.at += 500
    pool.expect('a')
    await until(() => pool.size === 1)
    assert.equal(failures.length, 2)
  })

  it('ends what nobody came for, and fills again when somebody comes', async () => {
    const { pool, clock, made } = setUp(1, { idleMs: 100 })
    pool.expect('a')
    await until(() => pool.size === 1)
    clock.at += 100
    await until(() => made[0]?.stopped === true)
    assert.equal(pool.size, 0)
    pool.expect('a')
    await until(() => pool.size === 1)
    assert.equal(made.length, 2)
  })

  it('ends everything when it is closed, what is on its way too', async () => {
    const { promise, resolve } = Promise.withResolvers<Item>()
    const late = new Item('a')
    let asked = 0
    const first = new Item('a')
    const prepare = (): Promise<Item> => (++asked === 1 ? Promise.resolve(first) : promise)
    const { pool } = setUp(2, { prepare })
    pool.expect('a')
    await until(() => asked === 2)
    const closing = pool.close()
    resolve(late)
    await closing
    assert.deepEqual([first.stopped, late.stopped, pool.size], [true, true, 0])
  })
})
