import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { receive } from '../../src/limits/receive.ts'
import { newExchange } from './fixtures.ts'

test('a body that is there costs no promise', () => {
  const bytes = Buffer.from('{}')
  assert.deepEqual(receive(10).check(newExchange({ body: { read: () => bytes } })), { bytes })
})

test('a body that is still coming is waited for', async () => {
  const bytes = Buffer.from('{}')
  assert.deepEqual(await receive(10).check(newExchange({ body: { read: async () => bytes } })), { bytes })
})

test('the limit reaches the one who reads, and its refusal the caller', async () => {
  const asked: number[] = []
  const read = (maxBytes: number): Buffer => {
    asked.push(maxBytes)
    throw new Fault('message.too_large')
  }
  assert.throws(() => receive(10).check(newExchange({ body: { read } })), { code: 'message.too_large' })
  const later = { read: async (maxBytes: number) => read(maxBytes) }
  await assert.rejects(async () => receive(11).check(newExchange({ body: later })), { code: 'message.too_large' })
  assert.deepEqual(asked, [10, 11])
})
