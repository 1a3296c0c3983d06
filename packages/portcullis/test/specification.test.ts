// Holds SPECIFICATION.md to its word: every promise is there once, and what it calls kept names tests that exist.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const ROOT = join(import.meta.dirname, '../../..')
const NUMBERS = { ID: 10, CO: 5, IN: 9, SB: 8, AU: 5, DP: 3, TR: 4, PR: 6, GW: 7 }
const IDS = Object.entries(NUMBERS).flatMap(([room, count]) =>
  Array.from({ length: count }, (_, at) => `${room}-${at + 1}`),
)

interface Row {
  readonly id: string
  readonly state: string
  readonly tests: readonly string[]
}

const rows: readonly Row[] = readFileSync(join(ROOT, 'SPECIFICATION.md'), 'utf8')
  .split('\n')
  .map((line) => line.split(' | '))
  .filter(([id = '']) => /^\| [A-Z]{2}-\d+$/.test(id))
  .map(([id = '', , state = '', tests = '']) => ({
    id: id.slice(2),
    state,
    tests: [...tests.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  }))

describe('the specification', () => {
  it('has a row for every promise', () => {
    assert.deepEqual(
      rows.map(({ id }) => id),
      IDS,
    )
  })

  for (const { id, state, tests } of rows) {
    it(`says of ${id} what is true`, () => {
      assert.ok(['kept', 'in part', 'not yet'].includes(state), state)
      assert.equal(tests.length > 0, state !== 'not yet')
      const files = tests.flatMap((name) =>
        [`${name}.test.ts`, `${name}.ts`].map((file) => join(import.meta.dirname, file)),
      )
      for (let at = 0; at < files.length; at += 2) {
        assert.ok(existsSync(files[at] as string) || existsSync(files[at + 1] as string), tests[at / 2])
      }
    })
  }
})
