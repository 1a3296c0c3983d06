import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hasNothing } from '../../src/inspection/literal-filter.ts'

const PLAIN = [
  '',
  'Berlin',
  'order_id',
  'order 17',
  'San Diego, CA',
  '2026-11-22 10.30',
  'Salt and pepper, or nothing.',
  'v1.2.3',
  'Hello. How are you',
]
const LOOK = [
  "O'Brien",
  '1 or 1',
  '1 union select 2',
  'a UNION SELECT b from users',
  'a..b',
  'java.lang.Runtime',
  'nohup whoami',
  '--help',
  '-rf',
  'a -rf',
  'admin--',
  'x\u202e',
  'a\nb',
  'JyBPUiAxPTEtLQ',
  'JyBvciAxPTEj',
  '27204f5231',
  'a\tb',
  '<b>',
  '1 AND 1 LIKE 1',
  '5 order by 10',
]

describe('nothing is looked for in', () => {
  for (const text of PLAIN) test(JSON.stringify(text), () => assert.equal(hasNothing(text), true))
})
describe('the detectors decide about', () => {
  for (const text of LOOK) test(JSON.stringify(text), () => assert.equal(hasNothing(text), false))
})
