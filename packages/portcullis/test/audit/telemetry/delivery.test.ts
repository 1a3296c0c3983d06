/** A collector that is away for weeks costs time and nothing else. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { Delivery } from '../../../src/audit/telemetry/delivery.ts'

test('pauses between attempts leave nothing behind', async (t) => {
  const signals: AbortSignal[] = []
  const Real = AbortController
  t.mock.property(
    globalThis,
    'AbortController',
    class extends Real {
      constructor() {
        super()
        signals.push(this.signal)
      }
    },
  )
  const delivery = new Delivery({ url: 'http://127.0.0.1:1/', headers: {}, deadlineMs: 1_000, attempts: 3, pauseMs: 1 })
  const alive = setInterval(() => {}, 1_000)
  for (let turn = 0; turn < 3; turn++) assert.equal((await delivery.send('{}')).ok, false)
  clearInterval(alive)
  assert.deepEqual(
    signals.map((signal) => getEventListeners(signal, 'abort').length),
    signals.map(() => 0),
  )
  assert.ok(signals.length > 0)
  await delivery.close()
})
