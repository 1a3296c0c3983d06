import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { setImmediate as endOfTurn } from 'node:timers/promises'
import { isFault } from '../upstream/harness.ts'
import { Cancellation } from '../../src/core/cancellation.ts'
import { checkArguments, checkArgumentsStage } from '../../src/inspection/check-arguments.ts'
import { checkResult, checkResultStage } from '../../src/inspection/check-result.ts'
import type { Claimed } from '../../src/inspection/claim.ts'
import { cleanApart } from '../../src/inspection/results/clean-thread.ts'
import { SchemaCompiler, TOO_COMPLEX } from '../../src/inspection/schema-compiler.ts'
import { validateApart } from '../../src/inspection/validation-thread.ts'
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

/** Its engine has to keep 900 places in mind, so no two moments of a text are alike. */
const toldApart = { properties: { text: { type: 'string', pattern: '[ab]*a[ab]{900}$' } } }
const abText = (length: number): string => {
  const bytes = createHash('shake256', { outputLength: length }).update('ab').digest()
  return Array.from(bytes, (byte) => (byte & 1 ? 'a' : 'b')).join('')
}

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

  it('takes nobody with it who waits behind it', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] })
    const slow = validateApart(JSON.stringify(toldApart), { text: abText(300_000) })
    const behind = [validateApart('{"type":"object"}', {}), validateApart('{"type":"object"}', [])]
    for (let turn = 0; turn < 100; turn++) await endOfTurn()
    context.mock.timers.tick(5_000)
    assert.equal(await slow, TOO_COMPLEX)
    const [good, bad] = await Promise.all(behind)
    assert.deepEqual([good, bad?.[0]?.keyword], [undefined, 'type'])
  })

  it('is not begun for somebody who has left, neither of arguments nor of a result', async () => {
    const cancellation = new Cancellation()
    cancellation.cancel('deadline')
    const known = { principal: { tenant: 'acme', id: 'alice' }, cancellation } as never as Claimed
    const tool = { ...toolWith(table), outputSchema: table, digest: 'with-both' }
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: {} } as const
    const call = { method: 'tools/call', params: { arguments: rows(50_000) }, message } as never
    const exchange = { ...known, call, tool } as never
    const answer = { jsonrpc: '2.0', id: 1, result: { structuredContent: rows(50_000) } } as const
    const over = isFault('upstream.ended', { reason: 'deadline' })
    await assert.rejects(async () => checkArgumentsStage(schemas).check(exchange), over)
    await assert.rejects(async () => checkResultStage(schemas).filter(answer, exchange), over)
    await assert.rejects(cleanApart('<g>'.repeat(20_000), known), over)
  })

  it('is done elsewhere for a text that is long for its pattern, though the engine is linear', () => {
    const validate = new SchemaCompiler().compile(toldApart)
    assert.equal(validate({ text: 'a'.repeat(100) }, true)?.[0]?.keyword, 'pattern')
    assert.equal(validate({ text: abText(10_000) }, true), TOO_COMPLEX)
    assert.notEqual(validate({ text: abText(100) }), TOO_COMPLEX)
    const base64 = { properties: { text: { pattern: '^[A-Za-z0-9+/]*={0,2}$' } } }
    assert.equal(new SchemaCompiler().compile(base64)({ text: abText(50_000) }, true), undefined)
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
