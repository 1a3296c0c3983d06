import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
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

/** What the pass over the characters has to be equal to, pattern by pattern. */
function byPatterns(text: string): boolean {
  if (!/^(?:[A-Za-z0-9_-]{0,15}[ .,])*[A-Za-z0-9_-]{0,15}$/.test(text) || text.startsWith('-')) return false
  if (/[A-Za-z]\.[A-Za-z]/.test(text)) return false
  if (/^ *(?:if|time|timeout|nohup|nice|strace|ltrace|sudo|doas|env|exec|eval|xargs|watch|busybox|setsid) /i.test(text))
    return false
  if (['..', '--', ' -'].some((sign) => text.includes(sign))) return false
  if (text.length >= 6 && /^[A-Za-z0-9_-]+[A-Z0-9][A-Za-z0-9_-]*$/.test(text) && /[A-Za-z]/.test(text)) return false
  const sql =
    /\b(?:or|and|xor|union|select|having|like|rlike|between|limit|order by|group by|into|drop|insert|delete|exec|sleep|waitfor|benchmark|null|div|mod)\b/i
  return !/\d|union|select/i.test(text) || !sql.test(text)
}

test('the pass over the characters says what the patterns say', () => {
  const words =
    'or OR and xor Union reunion select having like rlike between limit order by group into drop insert delete exec sleep waitfor benchmark null div mod android orb nor 1 17 a x_1 or_ A1 sudo time the quick brown fox Berlin ABCDEFGHIJKLMNO ABCDEFGHIJKLMNOP'.split(
      ' ',
    )
  const piece = fc.oneof(
    fc.constantFrom(...words),
    fc.constantFrom(' ', ' ', ' ', '.', ',', '-', '--', '..', '. ', ', ', '_', 'é', '\n', "'", '\u017f'),
    fc.string({ maxLength: 3 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const text = pieces.join('')
      assert.equal(hasNothing(text), byPatterns(text), JSON.stringify(text))
    }),
    { numRuns: 4_000 },
  )
})
