import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { NetworkNamespace } from '../../../src/sandbox/network/namespace.ts'
import { NamespacePool } from '../../../src/sandbox/network/pool.ts'
import type { NetworkShape } from '../../../src/sandbox/network/shape.ts'

const shapeFor = (port: number): NetworkShape => ({ proxyPort: 3128, transparentPorts: [port] })

/** Makes namespaces of paper; `broken` makes the next ones fail. */
function createFactory() {
  const made: NetworkNamespace[] = []
  const closed: NetworkNamespace[] = []
  const state = { broken: false }
  const make = async (shape: NetworkShape) => {
    if (state.broken) throw new Error('refused')
    const namespace = { shape, close: () => void closed.push(namespace) } as NetworkNamespace
    made.push(namespace)
    return namespace
  }
  return { pool: new NamespacePool(make), made, closed, state }
}

it('makes one when none is ready, and none that nobody asked for', async () => {
  const { pool, made } = createFactory()
  assert.equal(await pool.take(shapeFor(443)), made[0])
  assert.equal(made.length, 1)
})

it('gives what is ready to one launch only', async () => {
  const { pool, made } = createFactory()
  pool.refill(shapeFor(443))
  pool.refill(shapeFor(443))
  assert.equal(made.length, 1)
  const both = await Promise.all([pool.take(shapeFor(443)), pool.take(shapeFor(443))])
  assert.deepEqual(new Set(both), new Set(made))
  assert.equal(made.length, 2)
})

it('never gives one of another shape', async () => {
  const { pool, made } = createFactory()
  pool.refill(shapeFor(80))
  assert.deepEqual((await pool.take(shapeFor(443))).shape, shapeFor(443))
  assert.equal(made.length, 2)
})

it('keeps a bounded number ready and closes the oldest', async () => {
  const { pool, made, closed } = createFactory()
  for (let port = 1; port <= 20; port++) pool.refill(shapeFor(port))
  await pool.take(shapeFor(20))
  assert.deepEqual(closed, made.slice(0, 12))
})

it('a refill that failed leaves the refusal to the next launch', async () => {
  const { pool, state } = createFactory()
  state.broken = true
  pool.refill(shapeFor(443))
  await assert.rejects(pool.take(shapeFor(443)), { message: 'refused' })
  state.broken = false
  assert.deepEqual((await pool.take(shapeFor(443))).shape, shapeFor(443))
})

it('closes what waits, and keeps nothing ready from then on', async () => {
  const { pool, made, closed } = createFactory()
  pool.refill(shapeFor(443))
  pool.close()
  await pool.take(shapeFor(80))
  pool.refill(shapeFor(80))
  assert.deepEqual([closed, made.length], [made.slice(0, 1), 2])
})
