import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { LATER, ROWS } from './rows.ts'

describe('checklist', () => {
  it('has a test for every row, or says what the row waits for', () => {
    const folder = new URL('.', import.meta.url)
    const files = readdirSync(folder).filter((name) => name.endsWith('.test.ts'))
    const texts = files.map((name) => readFileSync(new URL(name, folder), 'utf8')).join('\n')
    const tested = new Set([...texts.matchAll(/^\s+it\('row (\d+): /gm)].map((match) => Number(match[1])))
    const rows = Array.from({ length: ROWS }, (_, at) => at + 1)
    assert.deepEqual(
      rows.filter((row) => !tested.has(row) && LATER[row] === undefined),
      [],
    )
    assert.deepEqual(
      rows.filter((row) => tested.has(row) && LATER[row] !== undefined),
      [],
    )
  })
})
