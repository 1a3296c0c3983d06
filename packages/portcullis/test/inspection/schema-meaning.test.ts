// What a schema means where the engine beneath would say something else.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { close } from '../../src/inspection/close-schema.ts'
import { SchemaCompiler } from '../../src/inspection/schema-compiler.ts'
import { UnusableSchema } from '../../src/inspection/schema-bounds.ts'
import type { Params } from '../../src/mcp/message.ts'

const compiler = new SchemaCompiler()
const accepts = (schema: Params, value: unknown) => compiler.compile(schema)(value) === undefined

const word = { type: 'string' }
const either = {
  oneOf: [
    { properties: { a: word }, required: ['a'] },
    { properties: { b: word }, required: ['b'] },
  ],
}
const condition = { properties: { kind: { const: 'file' } }, required: ['kind'] }

// biome-ignore format: one case a row
const MEANINGS: readonly (readonly [what: string, schema: Params, good: readonly unknown[], bad: readonly unknown[]])[] = [
  ['a name that every object inherits is an undeclared property', close({ type: 'object', ...either, properties: { c: {} } }), [{ a: 'x', c: 1 }], [{ a: 'x', constructor: 1 }, { a: 'x', toString: 1 }]],
  ['what a failed condition looked at does not count', { if: condition, else: { properties: { other: word } }, unevaluatedProperties: false }, [{ kind: 'file' }, { other: 'x' }], [{ kind: 'folder' }, { kind: 'file', other: 'x' }]],
  ['what a condition without consequence looked at counts', { if: condition, unevaluatedProperties: false }, [{ kind: 'file' }, {}], [{ kind: 'folder' }]],
  ['items of a branch that was not taken do not count', { anyOf: [{ items: word }, true], unevaluatedItems: { type: 'boolean' } }, [['yes', 'no'], [true]], [['yes', false]]],
  ['a branch that was not taken is no obstacle to a pattern', { oneOf: [true, { type: 'string', unevaluatedProperties: false }], patternProperties: { '^a': {} } }, [{ a: 1 }], ['x']],
  ['an array shorter than a tuple is asked everything else', { prefixItems: [word, word, word], uniqueItems: true }, [['a', 'b']], [['a', 'a']]],
  ['an array shorter than a tuple contains nothing', { prefixItems: [word], contains: word }, [['a']], [[]]],
  ['each array in a list contains what it has to', { items: { contains: word } }, [[['a'], ['b', 1]]], [[['a'], []], [['a'], [1]]]],
  ['no more of such items than there may be', { contains: word, minContains: 2, maxContains: 3 }, [['a', 'b'], ['a', 1, 'b', 'c']], [['a'], ['a', 'b', 'c', 'd']]],
  ['members are compared whatever they are called', { const: { valueOf: 1 } }, [{ valueOf: 1 }], [{ valueOf: 2 }, { a: 1 }, {}]],
  ['a value among many, by value', { enum: [{ a: [1, 2] }, 'x', null, 0] }, [{ a: [1, 2] }, 'x', null, 0, -0], [{ a: [2, 1] }, 'y', false, '0', []]],
  ['multiples are exact', { multipleOf: 0.1 }, [0.3, 1.1, -7, 1e300], [0.35, 1e-7]],
  ['multiples of large numbers are exact', { multipleOf: 3 }, [3e20, 9], [1e20, 1e300, 10]],
  ['a dynamic reference leads to its anchor', { items: { $dynamicRef: '#text' }, $defs: { t: { $dynamicAnchor: 'text', type: 'string' } } }, [['a']], [[1]]],
  ['a dynamic reference beside another one counts too', { $ref: '#/$defs/a', $dynamicRef: '#/$defs/b', $defs: { a: { minLength: 2 }, b: { maxLength: 3 } } }, ['ab'], ['a', 'abcd']],
  ['a reference to true or false', { properties: { a: { $ref: '#/$defs/any' }, b: { $ref: '#/properties/c' }, c: false }, $defs: { any: true } }, [{ a: 1 }, {}], [{ b: 1 }]],
  ['white space is that of ECMA-262', { pattern: '^\\S+$' }, ['ab'], ['a b', 'a\u00a0b', 'a\u2028b', 'a\ufeffb', 'a\vb']],
  ['white space inside of a class', { pattern: '^[^\\s,]+$' }, ['ab'], ['a\u00a0b', 'a,b']],
  ['all characters but white space inside of a class', { pattern: '^[\\S-]+$' }, ['ab😀', '-'], ['a\u3000b', ' ']],
  ['a class of everything', { pattern: '^[\\s\\S]$' }, ['a', '\n', '\u2028', '😀'], ['', 'ab']],
  ['a dot ends at every end of line', { pattern: '^.+$' }, ['a😀'], ['a\rb', 'a\u2029b', '\n']],
  ['long names of properties', { pattern: '^\\p{Letter}\\p{gc=Decimal_Number}\\p{Script=Greek}\\P{digit}$' }, ['é٣αx'], ['é٣a٣', '1aα ']],
]

describe('a schema means what the standard says', () => {
  for (const [what, schema, good, bad] of MEANINGS) {
    it(what, () => {
      for (const value of good) assert.equal(accepts(schema, value), true, JSON.stringify(value))
      for (const value of bad) assert.equal(accepts(schema, value), false, JSON.stringify(value))
    })
  }
})

describe('a schema whose meaning the engine cannot tell is refused', () => {
  const embedded = { $id: 'https://a.example/inner', properties: { b: { $ref: '#/$defs/x' } }, $defs: { x: word } }
  // biome-ignore format: one case a row
  const UNUSABLE: readonly (readonly [why: string, schema: Params, reason: RegExp])[] = [
    ['a local reference below an inner identifier', { properties: { a: embedded }, $defs: { x: word } }, /below an inner "\$id"/],
    ['a property that the engine passes over', { properties: JSON.parse('{"__proto__":{"type":"string"}}') as Params }, /"__proto__" in "properties"/],
    ['items that are evaluated one by one', { contains: word, unevaluatedItems: false }, /beside "contains"/],
    ['a reference to a boolean that is no schema', { $ref: '#/default', default: true }, /does not lead to a schema/],
    ['a reference to a boolean in a list that is none of schemas', { $ref: '#/enum/0', enum: [true] }, /does not lead to a schema/],
  ]
  for (const [why, schema, reason] of UNUSABLE) {
    it(why, () =>
      assert.throws(
        () => compiler.compile(schema),
        (thrown) => thrown instanceof UnusableSchema && reason.test(thrown.message),
      ),
    )
  }

  it('but the fragment identifiers of draft-07 change nothing', () => {
    const schema = { definitions: { x: word, y: { $id: '#y', items: { $ref: '#/definitions/x' } } } }
    const draft = 'http://json-schema.org/draft-07/schema#'
    assert.equal(accepts({ $schema: draft, ...schema, $ref: '#/definitions/y' }, ['a']), true)
    assert.equal(accepts({ $schema: draft, ...schema, $ref: '#/definitions/y' }, [1]), false)
  })
})
