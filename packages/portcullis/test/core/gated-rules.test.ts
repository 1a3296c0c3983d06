import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { hasOneOf, isAscii, placesOf } from '../../src/core/gated-rules.ts'
import { invisibleCharacters } from '../../src/inspection/characters/characters.ts'
import { markdownFindings } from '../../src/inspection/results/markdown-edits.ts'

describe('what the pass over a text has noted', () => {
  it('tells each ASCII character by itself, control characters that count as white space included', () => {
    for (let code = 1; code < 128; code++) {
      const character = String.fromCharCode(code)
      const lower = character.toLowerCase()
      for (const text of [character, `some${character}where`, `at the end ${character}`]) {
        if (!/[\t\n\r]/.test(character) || text.startsWith(character))
          assert.equal(hasOneOf(text, placesOf(lower)), true, `${code} in ${JSON.stringify(text)}`)
        assert.equal(isAscii(text), true)
      }
      if (!/[somewhre ]/i.test(character)) assert.equal(hasOneOf('some where', placesOf(lower)), false, String(code))
    }
    assert.equal(hasOneOf('', placesOf('a')), false)
  })

  it('lets no text pass that has something unseen, or a sign of markup', () => {
    const seen = new Set(['\t', '\n', '\r'])
    const control = (code: number, character: string): boolean => (code < 32 || code === 127) && !seen.has(character)
    for (let code = 0; code < 128; code++) {
      const character = String.fromCharCode(code)
      for (const text of [character, `a${character}`, `a ${character} b`])
        assert.equal(invisibleCharacters(text).length > 0, control(code, character), JSON.stringify(text))
    }
    const hostile = [
      '[a](javascript:alert(1))',
      '<script>x</script>',
      'see ![a](http://e.example/?q=1)',
      '[a]: javascript:x',
    ]
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.constantFrom(...hostile), (before, sign) => {
        const found = markdownFindings(`${before.replaceAll(/[^\w ]/g, '')}\n${sign}`)
        assert.ok(!(found instanceof Promise) && found.sightings.length > 0)
      }),
      { numRuns: 100 },
    )
  })
})
