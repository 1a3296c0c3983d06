import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Cancellation } from '../../src/core/cancellation.ts'

describe('a cancellation', () => {
  for (const count of [0, 1, 2, 5]) {
    it(`tells ${count} listeners once, in their order, and whoever comes later at once`, () => {
      const cancellation = new Cancellation()
      const told: string[] = []
      for (let at = 0; at < count; at++) cancellation.onCancel((reason) => told.push(`${at} ${reason}`))
      cancellation.cancel('deadline')
      cancellation.cancel('revoked')
      assert.deepEqual(
        told,
        Array.from({ length: count }, (_, at) => `${at} deadline`),
      )
      cancellation.onCancel((reason) => told.push(`late ${reason}`))
      assert.deepEqual([told.at(-1), cancellation.reason], ['late deadline', 'deadline'])
    })

    it(`does not tell the first or the last of ${count} when it was forgotten, twice or not`, () => {
      const cancellation = new Cancellation()
      const told: number[] = []
      const forget = Array.from({ length: count }, (_, at) => cancellation.onCancel(() => told.push(at)))
      for (const each of [forget.at(0), forget.at(-1), forget.at(0)]) each?.()
      cancellation.cancel('shutdown')
      assert.deepEqual(told, Array.from({ length: count }, (_, at) => at).slice(1, -1))
    })
  }

  it('may be told to forget by a listener that it is telling', () => {
    const cancellation = new Cancellation()
    const told: string[] = []
    cancellation.onCancel(() => forget())
    const forget = cancellation.onCancel(() => told.push('second'))
    cancellation.cancel('shutdown')
    assert.deepEqual(told, ['second'])
  })
})
