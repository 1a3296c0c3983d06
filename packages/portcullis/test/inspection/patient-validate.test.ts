import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isFault } from '../upstream/harness.ts'
import { checkArguments } from '../../src/inspection/check-arguments.ts'
import { checkResult } from '../../src/inspection/check-result.ts'
import { ToolSchemas } from '../../src/inspection/tool-schemas.ts'
import { toolWith } from './fixtures.ts'

const schemas = new ToolSchemas()
const table = {
  type: 'object',
  properties: { rows: { type: 'array', items: { type: 'integer' } } },
  required: ['rows'],
}
const rows = (count: number, last: unknown = 0) => ({ rows: [...Array.from({ length: count }, (_, i) => i), last] })

/** Each level asks the next one twice, so that one value takes 2^depth steps. */
const branching = (depth: number) => ({
  type: 'object',
  properties: { a: { $ref: '#/$defs/s0' } },
  $defs: Object.fromEntries(
    Array.from({ length: depth + 1 }, (_, level) => {
      const next = { $ref: `#/$defs/s${level + 1}` }
      return [`s${level}`, level === depth ? { type: 'string' } : { anyOf: [next, next] }]
    }),
  ),
})

describe('a validation that would take long', () => {
  it('is done elsewhere for large arguments, while others run', async () => {
    let others = 0
    let isOver = false
    const count = (): void => {
      others++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const checked = checkArguments(schemas, toolWith(table), rows(100_000))
    assert(checked instanceof Promise)
    await checked
    isOver = true
    assert(others >= 2, `${others}`)
  })

  it('refuses large arguments with the same sentence as small ones', async () => {
    const sentence = (count: number) =>
      Promise.resolve()
        .then(() => checkArguments(schemas, toolWith(table), rows(count, 'x')))
        .then(
          () => 'accepted',
          (thrown: { code: string; says: string }) => [thrown.code, thrown.says.replaceAll(/\d+/g, 'N')].join(': '),
        )
    assert.match(await sentence(3), /^arguments\.invalid: /)
    assert.equal(await sentence(50_000), await sentence(3))
  })

  it('withholds a large result that is not what was promised', async () => {
    const tool = { ...toolWith({ type: 'object' }), outputSchema: table, digest: 'with-output' }
    await checkResult(schemas, tool, { structuredContent: rows(50_000) })
    const wrong = async () => checkResult(schemas, tool, { structuredContent: rows(50_000, 'x') })
    await assert.rejects(wrong, isFault('upstream.result_invalid'))
  })

  it('is done elsewhere for a small value and a schema that branches, and refused when it never ends', async () => {
    await checkArguments(schemas, toolWith(branching(15)), { a: 'text' })
    await assert.rejects(
      async () => checkArguments(schemas, toolWith(branching(15)), { a: 1 }),
      isFault('arguments.invalid'),
    )
    await assert.rejects(
      async () => checkArguments(schemas, toolWith(branching(40)), { a: 1 }),
      (thrown: { says: string }) => /simpler|complex/.test(thrown.says) || assert.fail(thrown.says),
    )
  })

  it('takes many at a time, each with its own answer', async () => {
    const answers = Array.from({ length: 12 }, async (_, n) => {
      const checked = async () => checkArguments(schemas, toolWith(table), rows(8_000, n % 2 === 0 ? 1 : 'x'))
      return checked().then(
        () => true,
        () => false,
      )
    })
    assert.deepEqual(
      await Promise.all(answers),
      Array.from({ length: 12 }, (_, n) => n % 2 === 0),
    )
  })
})
