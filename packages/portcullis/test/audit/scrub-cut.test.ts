import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { scrub, scrubText } from '../../src/audit/scrub.ts'

const CARD = '4111 1111 1111 1111'
const TOKEN = `eyJhbGciOiJFUzI1NiJ9.${'a'.repeat(900)}.${'b'.repeat(80)}`

describe('a text that is too long', () => {
  for (const lead of ['', `${TOKEN} `, `${TOKEN} ${TOKEN} `]) {
    it(`shows no half of what was cut in two, behind ${lead.length} characters that are taken out`, () => {
      for (let at = 4_060; at < 4_640; at += 3) {
        const text = `${lead}${' '.repeat(Math.max(0, at - lead.length))}${CARD} and ${'x '.repeat(2_000)}`
        assert.doesNotMatch(scrubText(text), /4111 1111/, `at ${at}`)
      }
    })
  }
})

it('names of members that hold something are taken out, too', () => {
  const told = JSON.stringify(scrub({ 'jane.roe@mail.example': 1, [CARD]: 2, reason: 3 }))
  assert.doesNotMatch(told, /jane\.roe|4111/)
  assert.match(told, /"reason":3/)
})
