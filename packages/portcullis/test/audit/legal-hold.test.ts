import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HoldFile, liftHold, readHolds, setHold } from '../../src/audit/legal-hold.ts'

function file(text?: string): HoldFile {
  let kept = text
  return {
    read: () => kept,
    write: (now) => {
      kept = now
    },
  }
}

const hold = (name: string, reason = 'a case') => ({ name, reason, by: 'key:a', since: 1 })

test('holds are set, replaced and lifted by their names', () => {
  const place = file()
  assert.deepEqual(readHolds(place), [])
  setHold(place, hold('b'))
  setHold(place, hold('a'))
  setHold(place, hold('b', 'another reason'))
  assert.deepEqual(readHolds(place), [hold('a'), hold('b', 'another reason')])
  liftHold(place, 'a')
  liftHold(place, 'never')
  assert.deepEqual(readHolds(place), [hold('b', 'another reason')])
})

for (const damaged of ['', '{', '{}', '[1]', '[{"name":"a"}]', 'null']) {
  test(`holds that cannot be read are no absence of holds: ${JSON.stringify(damaged)}`, () => {
    assert.throws(() => readHolds(file(damaged)))
  })
}
