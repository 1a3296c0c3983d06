import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { UnusableSchema } from '../../src/inspection/schema-bounds.ts'
import { SchemaCompiler } from '../../src/inspection/schema-compiler.ts'
import type { Params } from '../../src/mcp/message.ts'

const compiler = new SchemaCompiler()
const refusal = (schema: Params): string => {
  try {
    compiler.compile(schema)
  } catch (thrown) {
    assert(thrown instanceof UnusableSchema, String(thrown))
    return thrown.message
  }
  return 'compiled'
}
const patterns = (count: number): Params =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`^(a|b){1,500}(c|d){1,500}${i}$`, {}]))
const nested = (depth: number): Params => (depth === 0 ? {} : { properties: { a: nested(depth - 1) } })

const UNUSABLE: readonly (readonly [why: string, schema: Params, reason: RegExp])[] = [
  ['an unknown dialect', { $schema: 'http://json-schema.org/draft-04/schema#' }, /unknown dialect/],
  ['a dialect of its own', { $schema: 'https://evil.example/schema' }, /unknown dialect/],
  ['a dialect that is no string', { $schema: 7 }, /unknown dialect/],
  ['a dialect named like an inherited member', { $schema: 'constructor' }, /unknown dialect/],
  ['two dialects', { properties: { a: { $schema: 'http://json-schema.org/draft-07/schema#' } } }, /two dialects/],
  ['a reference to the network', { $ref: 'https://evil.example/s.json' }, /leads out/],
  ['a nested reference to the network', { properties: { a: { $ref: 'http://127.0.0.1/' } } }, /leads out/],
  ['a reference to a file', { items: { $ref: 'file:///etc/passwd' } }, /leads out/],
  ['a relative reference', { $ref: 'other.json#/a' }, /leads out/],
  ['a dynamic reference to the network', { $dynamicRef: 'https://evil.example/#x' }, /leads out/],
  ['a reference to nothing', { $ref: '#/$defs/none' }, /does not lead/],
  ['a reference to what is no schema', { $ref: '#/enum/0', enum: [{}] }, /does not lead/],
  ['a reference to an inherited member', { $ref: '#/constructor' }, /does not lead/],
  ['a broken reference', { $ref: '#/%zz' }, /does not lead/],
  ['an unknown anchor', { $ref: '#nobody' }, /resolve/],
  ['an unknown type', { type: 'strnig' }, /invalid/],
  ['a keyword with a wrong value', { properties: [] }, /invalid/],
  ['a negative length', { minLength: -1 }, /invalid/],
  ['a lookahead', { properties: { a: { pattern: '(?=a)' } } }, /pattern "\(\?=a\)" is not supported/],
  ['a back reference', { patternProperties: { '(a)\\1': {} } }, /not supported/],
  ['a broken pattern', { pattern: '(' }, /./],
  ['an asynchronous schema', { $async: true }, /async/],
  ['too much depth', nested(40), /deep/],
  ['too many schemas', { allOf: Array.from({ length: 1_001 }, () => ({})) }, /more than 1000 schemas/],
  ['a pattern that unrolls', { patternProperties: patterns(100) }, /too complex/],
  ['too many members', { enum: Array.from({ length: 20_001 }, (_, i) => i) }, /members/],
]

describe('a schema is unusable with', () => {
  for (const [why, schema, reason] of UNUSABLE)
    test(why, () => assert.match(refusal({ type: 'object', ...schema }), reason))
})

describe('a validator', () => {
  const accepts = (schema: Params, value: unknown) => compiler.compile(schema)(value) === undefined

  test('knows each dialect by its own rules', () => {
    const tuple = [{ type: 'string' }]
    assert(!accepts({ prefixItems: tuple }, [1]))
    assert(!accepts({ $schema: 'https://json-schema.org/draft/2019-09/schema', items: tuple }, [1]))
    assert(!accepts({ $schema: 'http://json-schema.org/draft-07/schema', items: tuple }, [1]))
    assert.match(refusal({ items: tuple }), /invalid/)
  })

  test('asserts formats, and takes unknown ones and unknown keywords as notes', () => {
    assert(!accepts({ format: 'email' }, 'nobody'))
    assert(!accepts({ format: 'date-time' }, 'tomorrow'))
    assert(!accepts({ format: 'uuid' }, 'x'))
    assert(accepts({ format: 'email' }, 'a@b.example'))
    assert(!accepts({ format: 'email' }, `a@${'b'.repeat(3000)}.example`))
    assert(accepts({ format: 'folder', 'x-mcp-header': 'A', exampels: [] }, 'x'))
  })

  test('does not take inherited members for arguments', () => {
    assert(!accepts({ required: ['toString'] }, {}))
    assert(!accepts({ properties: { a: {} }, additionalProperties: false }, { constructor: 1 }))
    assert(
      accepts({ properties: { constructor: { type: 'string' } }, additionalProperties: false }, { constructor: 'x' }),
    )
  })

  test('compares items by value', () => {
    assert(
      !accepts({ uniqueItems: true }, [
        { a: 1, b: [2] },
        { b: [2], a: 1 },
      ]),
    )
    assert(!accepts({ uniqueItems: true, items: { type: 'string' } }, ['__proto__', '__proto__']))
    assert(accepts({ uniqueItems: true }, [1, '1', [1], { a: 1 }, { a: '1' }, null, false, 0]))
  })

  test('ends when a schema branches without end', () => {
    const defs: Record<string, Params> = { d0: { type: 'string' } }
    for (let i = 1; i < 40; i++)
      defs[`d${i}`] = { allOf: [{ $ref: `#/$defs/d${i - 1}` }, { $ref: `#/$defs/d${i - 1}` }] }
    assert(!accepts({ properties: { a: { $ref: '#/$defs/d39' } }, $defs: defs }, { a: 'x' }))
    assert(accepts({ properties: { a: { $ref: '#/$defs/d5' } }, $defs: defs }, { a: 'x' }))
  })

  test('ends when a schema refers to itself', () => {
    assert(!accepts({ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } }, 1))
    assert(accepts({ type: 'integer' }, 1), 'and the next validation has all its steps')
  })

  test('runs patterns in linear time', () => {
    assert(!accepts({ pattern: '^(a+)+$' }, `${'a'.repeat(50_000)}!`))
    assert(accepts({ pattern: '^\\p{L}+$' }, 'żółć'))
  })

  test('of one schema knows nothing of another', () => {
    compiler.compile({ $id: 'https://a.example/s', $defs: { x: { $id: 'https://a.example/x', type: 'string' } } })
    assert.match(refusal({ $ref: 'https://a.example/x' }), /leads out/)
    assert(!accepts({ $id: 'https://a.example/s', type: 'number' }, 'x'), 'the same $id twice is no conflict')
  })
})
