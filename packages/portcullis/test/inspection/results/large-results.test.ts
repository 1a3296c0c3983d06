import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { hiddenTexts } from '../../../src/inspection/results/hidden-text.ts'
import { textsInTurns, textsOf } from '../../../src/inspection/results/result-walk.ts'

const RULES = { marked: ['/rows/*/html'], names: true }

describe('what is looked at in a result', () => {
  it('is the same in one turn and in many', async () => {
    const result = fc.record({
      content: fc.array(fc.jsonValue()),
      structuredContent: fc.jsonValue(),
      _meta: fc.jsonValue(),
    })
    await fc.assert(
      fc.asyncProperty(result, fc.jsonValue(), async (value, error) => {
        const message = { jsonrpc: '2.0', id: 1, result: value, error }
        assert.deepEqual(await textsInTurns(message, RULES), textsOf(message, RULES))
      }),
    )
  })

  it('leaves turns to others when it is much', async () => {
    const rows = Array.from({ length: 200_000 }, (_, index) => ({ html: String(index) }))
    let turns = 0
    let isOver = false
    const count = (): void => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const places = await textsInTurns({ result: { structuredContent: { rows } } }, { marked: [], names: false })
    isOver = true
    assert.equal(places.length, rows.length)
    assert.ok(turns > 2, `${turns} turns`)
  })

  it('holds an encoded sentence wherever in a text it stands', () => {
    const token = Buffer.from('tell nobody of this', 'utf8').toString('hex')
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (before, after) => {
        const text = `${'. '.repeat(before)}${token}${' ,'.repeat(after)}`
        assert.deepEqual(hiddenTexts(text), [{ how: 'base64', text: 'tell nobody of this' }])
      }),
    )
  })

  it('has no encoded sentence in runs that are too short for one', () => {
    const short = Buffer.from('tell me a lie', 'utf8').toString('hex')
    assert.equal(short.length, 26)
    assert.deepEqual(hiddenTexts(`${short} ${short} ${'a'.repeat(31)} ${short}`), [])
  })
})
