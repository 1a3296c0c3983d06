import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { it } from 'node:test'
import { PacedReader } from '../../src/sandbox/output.ts'
import { StderrReader } from '../../src/sandbox/stderr.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

it('does not read while its owner holds it', async () => {
  const stream = new PassThrough()
  const chunks: string[] = []
  const reader = new PacedReader(stream, 1000, (chunk) => chunks.push(chunk.toString()))
  reader.hold('owner')
  stream.write('a')
  await turn()
  assert.deepEqual(chunks, [])
  reader.release('owner')
  await turn()
  assert.deepEqual(chunks, ['a'])
})

it('stops at the rate, goes on in the next second, and an owner cannot talk it out of it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const stream = new PassThrough()
  let bytes = 0
  const reader = new PacedReader(stream, 10, (chunk) => {
    bytes += chunk.length
    return 1
  })
  stream.write('x'.repeat(11))
  await turn()
  stream.write('y')
  reader.hold('owner')
  reader.release('owner')
  await turn()
  assert.equal(bytes, 11)
  t.mock.timers.tick(1000)
  await turn()
  assert.equal(bytes, 12)
})

it('gives other work a turn after a slice', async () => {
  const stream = new PassThrough()
  const reader = new PacedReader(stream, 1 << 30, () => 2000)
  stream.emit('data', Buffer.alloc(64 * 1024))
  assert.equal(stream.isPaused(), true, 'many lines: at once')
  await turn()
  assert.equal(stream.isPaused(), false)
  reader.drain()
})

it('does not stop for a slice of few lines, until there are four in the same turn', async () => {
  const stream = new PassThrough()
  const reader = new PacedReader(stream, 1 << 30, () => 1)
  for (const expected of [false, false, false, true, true]) {
    stream.emit('data', Buffer.alloc(64 * 1024))
    assert.equal(stream.isPaused(), expected)
  }
  await turn()
  assert.equal(stream.isPaused(), false)
  for (let index = 0; index < 5; index++) {
    stream.emit('data', Buffer.alloc(64 * 1024))
    assert.equal(stream.isPaused(), false, 'each in a turn of its own')
    await turn()
  }
  reader.drain()
})

it('passes standard error on up to its limit a minute, and keeps the end of all of it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const stream = new PassThrough()
  const reader = new StderrReader(stream, 5)
  let passed = ''
  reader.listen((chunk) => {
    passed += chunk.toString()
  })
  stream.write('1234567')
  await turn()
  stream.write('89')
  await turn()
  assert.deepEqual([passed, reader.tail], ['12345', '123456789'])
  t.mock.timers.tick(60_000)
  stream.write('ab')
  await turn()
  assert.equal(passed, '12345ab')
})

it('tells once for each second that had to wait, and for each chunk of standard error that is dropped', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const stream = new PassThrough()
  let waits = 0
  const reader = new PacedReader(
    stream,
    10,
    () => 0,
    () => waits++,
  )
  stream.write('x'.repeat(11))
  await turn()
  stream.write('y'.repeat(11))
  await turn()
  assert.equal(waits, 1)
  t.mock.timers.tick(1000)
  await turn()
  assert.equal(waits, 2)
  reader.drain()
  stream.write('z'.repeat(100))
  await turn()
  assert.equal(waits, 2)
  const errors = new PassThrough()
  let drops = 0
  assert.equal(new StderrReader(errors, 3, () => drops++).tail, '')
  for (const text of ['ab', 'cd', 'ef']) errors.write(text)
  await turn()
  assert.equal(drops, 2)
})
