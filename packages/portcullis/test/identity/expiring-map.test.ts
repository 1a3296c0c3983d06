import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ExpiringMap } from '../../src/identity/expiring-map.ts'

describe('ExpiringMap', () => {
  it('remembers until the instant and not at it', () => {
    const map = new ExpiringMap<string>(2)
    map.set('a', 'x', 10)
    assert.equal(map.get('a', 9), 'x')
    assert.equal(map.get('a', 10), undefined)
    assert.equal(map.size, 0)
  })

  it('drops the oldest when it is full, and never grows', () => {
    const map = new ExpiringMap<number>(3)
    for (let at = 0; at < 100; at++) map.set(`k${at}`, at, 10)
    assert.equal(map.size, 3)
    assert.equal(map.get('k96', 0), undefined)
    assert.equal(map.get('k97', 0), 97)
  })

  it('replaces a value without dropping another', () => {
    const map = new ExpiringMap<number>(2)
    for (const [key, value] of [
      ['a', 1],
      ['b', 2],
      ['a', 3],
    ] as const)
      map.set(key, value, 10)
    assert.deepEqual([map.get('a', 0), map.get('b', 0)], [3, 2])
  })

  it('drops what matches', () => {
    const map = new ExpiringMap<number>(5)
    for (const value of [1, 2, 3, 4]) map.set(`k${value}`, value, 10)
    map.dropWhere((value) => value % 2 === 0)
    assert.deepEqual(
      [1, 2, 3, 4].map((value) => map.get(`k${value}`, 0)),
      [1, undefined, 3, undefined],
    )
  })

  it('does not start without room', () => {
    assert.throws(() => new ExpiringMap(0), RangeError)
  })
})
