import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { Pipeline } from '../../src/core/pipeline.ts'
import { checkArguments, checkArgumentsStage } from '../../src/inspection/check-arguments.ts'
import { ToolSchemas } from '../../src/inspection/tool-schemas.ts'
import type { Params } from '../../src/mcp/message.ts'
import { callOf, toolWith } from './fixtures.ts'

const schemas = new ToolSchemas()
const refusal = (inputSchema: Params, args: unknown): Fault => {
  try {
    checkArguments(schemas, toolWith(inputSchema), args)
  } catch (thrown) {
    assert(thrown instanceof Fault, String(thrown))
    return thrown
  }
  return assert.fail(`accepted ${JSON.stringify(args)}`)
}

const copy: Params = {
  type: 'object',
  properties: {
    path: { type: 'string', maxLength: 10 },
    count: { type: 'integer', minimum: 1 },
    mode: { enum: ['fast', 'slow'] },
    to: {
      type: 'object',
      properties: { 'a/b': { type: 'string' }, tags: { type: 'array', items: { type: 'string' } } },
    },
    mail: { type: 'string', format: 'email' },
    either: { anyOf: [{ type: 'string' }, { type: 'object', properties: { deep: { type: 'number' } } }] },
  },
  required: ['path'],
}

const SENTENCES: readonly (readonly [args: unknown, sentence: string])[] = [
  [{ pth: 'x', path: 'x' }, 'Unknown argument "pth"; did you mean "path"?'],
  [{ path: 'x', zzzzzz: 1 }, 'Unknown argument "zzzzzz".'],
  [{ path: 'x', PATH: 1 }, 'Unknown argument "PATH"; did you mean "path"?'],
  [{ path: 1 }, 'Argument "path" must be string.'],
  [{}, 'Argument "path" is required.'],
  [undefined, 'Argument "path" is required.'],
  [{ path: 'x', count: 0 }, 'Argument "count" must be >= 1.'],
  [{ path: 'x', count: 1.5 }, 'Argument "count" must be integer.'],
  [{ path: 'x', count: '1' }, 'Argument "count" must be integer.'],
  [{ path: 'x', mode: 'secret' }, 'Argument "mode" must be one of "fast", "slow".'],
  [{ path: 'x', to: { 'a/b': 1 } }, 'Argument "/to/a~1b" must be string.'],
  [{ path: 'x', to: { tag: [] } }, 'Unknown argument "/to/tag"; did you mean "/to/tags"?'],
  [{ path: 'x', to: { tags: ['a', 1] } }, 'Argument "/to/tags/1" must be string.'],
  [{ path: 'x', mail: 'secret' }, 'Argument "mail" must match format "email".'],
  [{ path: 'secret'.repeat(3) }, 'Argument "path" must NOT have more than 10 characters.'],
  [{ path: 'x', either: { deep: 'secret' } }, 'Argument "/either/deep" must be number.'],
  [{ path: 'x', either: 1 }, 'Argument "either" must have one of the declared forms.'],
  [null, 'The arguments must be object.'],
  [['secret'], 'The arguments must be object.'],
  ['secret', 'The arguments must be object.'],
]

describe('the sentence for', () => {
  for (const [args, sentence] of SENTENCES) {
    test(`${JSON.stringify(args)} is ${sentence}`, () => {
      const fault = refusal(copy, args)
      assert.equal(fault.code, 'arguments.invalid')
      assert.equal(fault.says, sentence)
      assert(!`${fault.says}${JSON.stringify(fault.detail)}`.includes('secret'), 'a value of the caller is repeated')
    })
  }

  test('a hostile name is short and printable', () => {
    const { says } = refusal({ type: 'object', properties: {} }, { [`a\n\u202e\u0000${'b'.repeat(500)}`]: 1 })
    assert.match(says, /^Unknown argument "a\?\?\?b+…"\.$/u)
    assert(says.length < 100)
  })

  test('a demand of the upstream is short', () => {
    const { says } = refusal({ type: 'object', properties: { a: { pattern: `^${'x'.repeat(900)}$` } } }, { a: 'y' })
    assert(says.length < 200)
  })

  test('branches that all lack the argument names it', () => {
    const schema = { type: 'object', oneOf: [{ properties: { a: {} } }, { properties: { b: {} } }] }
    assert.equal(refusal(schema, { c: 1 }).says, 'Unknown argument "c".')
  })
})

test('left out arguments are an empty object', () => {
  checkArguments(schemas, toolWith({ type: 'object', properties: { a: {} } }), undefined)
})

test('a tool whose schema cannot be compiled is unavailable, and the caller does not learn why', () => {
  const fault = refusal({ type: 'object', properties: { a: { pattern: '(?=secret)' } } }, { a: 'x' })
  assert.equal(fault.code, 'arguments.unavailable')
  assert(String(fault.detail['reason']).includes('secret') && !fault.says.includes('secret'))
})

test('so is a tool whose output schema cannot be compiled, before it has been called', () => {
  const tool = toolWith({ type: 'object' }, { type: 'objekt' })
  assert.throws(() => checkArguments(schemas, tool, {}), { code: 'arguments.unavailable' })
})

test('what is refused does not reach the upstream', async () => {
  let reached = 0
  const gate = Pipeline.from<ReturnType<typeof callOf>>()
    .check(checkArgumentsStage(schemas))
    .to(async () => ({ status: 200 + reached++ }))
  const tool = toolWith(copy)
  await assert.rejects(gate(callOf(tool, { name: 'tool', arguments: { path: 'x', extra: 1 } })), {
    code: 'arguments.invalid',
  })
  assert.equal(reached, 0)
  await gate(callOf(tool, { name: 'tool', arguments: { path: 'x' } }))
  assert.equal(reached, 1)
})
