import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Reports } from '../../../src/sandbox/folders/reports.ts'

const change = (path: string) => ({ kind: 'file', change: 'created', path }) as const

it('after the first ones of a minute only the number of the others is told', () => {
  let now = 1_000_000
  const reports = new Reports(2, { now: () => now })
  for (const path of ['/a', '/b', '/c', '/d']) reports.add(change(path))
  assert.equal(reports.hasRoom, false)
  const unlisted = { kind: 'refused', wall: 'file', what: '2 more changes of files are not listed' }
  assert.deepEqual(reports.take(), [change('/a'), change('/b')])
  assert.deepEqual(reports.take(), [])
  now += 60_000
  assert.deepEqual(reports.take(), [unlisted])
  for (const path of ['/e', '/f', '/g', '/h']) reports.add(change(path))
  assert.deepEqual(reports.take('at the end'), [change('/e'), change('/f'), unlisted])
})

it('a clock that is set back does not silence the reports', () => {
  let now = 1_000_000_000
  const reports = new Reports(1, { now: () => now })
  reports.add(change('/a'))
  now -= 500_000
  assert.equal(reports.hasRoom, true)
})
