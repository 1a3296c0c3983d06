import assert from 'node:assert/strict'
import perfHooks, { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'
import { it } from 'node:test'
import { exposition } from '../../../src/audit/metrics/exposition.ts'
import { stoppable } from '../../../src/audit/metrics/stoppable.ts'

it('what observes the process ends with the listener of the metrics', (t) => {
  const histogram = Object.getPrototypeOf(monitorEventLoopDelay()) as { disable(): boolean }
  const disable = t.mock.method(histogram, 'disable')
  const disconnect = t.mock.method(PerformanceObserver.prototype, 'disconnect')
  const { close } = exposition(async () => [])
  assert.deepEqual([disable.mock.callCount(), disconnect.mock.callCount()], [0, 0])
  close()
  assert.deepEqual([disable.mock.callCount(), disconnect.mock.callCount()], [1, 1])
  assert.equal(disable.mock.calls[0]?.result, true, 'it was observing until then')
})

it('the ways to make an observer are the usual ones again, whatever happened while they were ours', () => {
  assert.throws(
    () =>
      stoppable(() => {
        assert.notEqual(perfHooks.PerformanceObserver, PerformanceObserver)
        throw new RangeError('stop')
      }),
    RangeError,
  )
  assert.equal(perfHooks.PerformanceObserver, PerformanceObserver)
  assert.equal(perfHooks.monitorEventLoopDelay, monitorEventLoopDelay)
})
