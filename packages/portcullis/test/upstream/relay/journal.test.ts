import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Outgoing } from '../../../src/core/exchange.ts'
import { Journal, JournalSpace } from '../../../src/upstream/relay/journal.ts'

const note = (n: number): Outgoing => ({ jsonrpc: '2.0', method: 'n', params: { n } })
const follower = () => {
  const heard: Outgoing[] = []
  const state = {
    heard,
    ended: 0,
    send: (message: Outgoing) => void heard.push(message),
    end: () => void state.ended++,
  }
  return state
}

describe('the journal of a session', () => {
  it('goes on after the event that was seen, under the same ids, as often as asked', () => {
    const journal = new Journal()
    const stream = journal.begin()
    const ids = [1, 2, 3].map((n) => stream.record(note(n), 10))
    assert.deepEqual(ids, ['1.1', '1.2', '1.3'])
    const resumed = journal.resume('1.1')
    const reader = follower()
    stream.follow(1, reader)
    assert.deepEqual(reader.heard, [note(2), note(3)])
    assert.deepEqual(
      reader.heard.map((message) => resumed?.record(message, 10)),
      ['1.2', '1.3'],
    )
    const later = follower()
    stream.follow(3, later)
    assert.equal(reader.ended, 1, 'two connections may not carry one stream')
    stream.record(note(4), 10)
    stream.end()
    assert.deepEqual([reader.heard.length, later.heard, later.ended], [2, [note(4)], 1])
    const last = follower()
    stream.follow(0, last)
    assert.deepEqual([last.heard.length, last.ended], [4, 1])
  })

  it('forgets a follower that left', () => {
    const stream = new Journal().begin()
    const reader = follower()
    stream.follow(0, reader)()
    stream.record(note(1), 10)
    assert.deepEqual(reader.heard, [])
  })

  it('knows no id that it did not give', () => {
    const journal = new Journal()
    journal.begin()
    for (const id of ['', '1', '2.0', '1.', '.1', '1.-1', '1.1e3', '1.1.1', '__proto__.1', ' 1.1', '1.9999999999']) {
      assert.equal(journal.find(id), undefined, id)
    }
    assert.equal(journal.find('1.0')?.number, 0)
  })

  it('stays within its bytes, its events and its streams, and gives everything back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40), fc.nat(400_000)), { maxLength: 400 }), (records) => {
        const space = new JournalSpace(1_500_000)
        const journal = new Journal(space)
        const streams = Array.from({ length: 40 }, () => journal.begin())
        for (const [at, bytes] of records) {
          streams[at % 40]?.record(note(at), bytes)
          assert.ok(journal.bytes <= 1_048_576 && space.bytes === journal.bytes)
        }
        journal.close()
        assert.deepEqual([journal.bytes, space.bytes, journal.find('40.0')], [0, 0, undefined])
        streams[39]?.record(note(1), 10)
        assert.equal(space.bytes, 0)
      }),
      { numRuns: 50 },
    )
  })

  it('keeps the latest events when there are too many, and their numbers', () => {
    const journal = new Journal()
    const stream = journal.begin()
    for (let n = 1; n <= 300; n++) assert.equal(stream.record(note(n), 1), `1.${n}`)
    const reader = follower()
    const resumed = journal.resume('1.10')
    stream.follow(10, reader)
    assert.deepEqual([reader.heard.length, reader.heard[0]], [256, note(45)])
    assert.equal(resumed?.record(note(45), 1), '1.45')
  })

  it('drops what is too large, and what was before it, but not its place', () => {
    const stream = new Journal().begin()
    stream.record(note(1), 10)
    assert.equal(stream.record(note(2), 2_000_000), '1.2')
    stream.record(note(3), 10)
    const reader = follower()
    stream.follow(0, reader)
    assert.deepEqual(reader.heard, [note(3)])
  })

  it('cannot be pushed out by the sessions of others beyond what they may hold', () => {
    const space = new JournalSpace(100)
    const greedy = new Journal(space).begin()
    greedy.record(note(1), 90)
    const modest = new Journal(space).begin()
    assert.equal(modest.record(note(1), 20), '1.1')
    const reader = follower()
    modest.follow(0, reader)
    modest.record(note(2), 5)
    assert.deepEqual(reader.heard, [note(2)], 'a stream that cannot be kept goes on')
  })
})
