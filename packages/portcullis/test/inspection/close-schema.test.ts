import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { close } from '../../src/inspection/close-schema.ts'
import { SchemaCompiler } from '../../src/inspection/schema-compiler.ts'
import type { Params } from '../../src/mcp/message.ts'

const compiler = new SchemaCompiler()
const accepts = (schema: Params, value: unknown) => compiler.compile(schema)(value) === undefined

interface Case {
  readonly title: string
  readonly schema: Params
  readonly accepted: readonly unknown[]
  readonly refused: readonly unknown[]
}

const person = { type: 'object', properties: { name: { type: 'string' } } }

const CASES: readonly Case[] = [
  {
    title: 'an object refuses what it does not declare, at every depth',
    schema: { type: 'object', properties: { a: person, list: { type: 'array', items: person } } },
    accepted: [{}, { a: { name: 'x' } }, { list: [{ name: 'x' }] }],
    refused: [{ b: 1 }, { a: { age: 1 } }, { list: [{ name: 'x' }, { age: 1 }] }],
  },
  {
    title: 'an object that declares nothing at all refuses everything',
    schema: { type: 'object', properties: {} },
    accepted: [{}],
    refused: [{ a: 1 }],
  },
  {
    title: 'a free-form object stays free',
    schema: { type: 'object', properties: { env: { type: 'object' } } },
    accepted: [{ env: { ANY: 'x' } }],
    refused: [{ other: 1 }],
  },
  {
    title: 'the word of the author stays',
    schema: {
      type: 'object',
      properties: { a: {}, open: { ...person, additionalProperties: true } },
      additionalProperties: { type: 'number' },
    },
    accepted: [{ z: 1 }, { open: { z: 1 } }],
    refused: [{ z: 'x' }],
  },
  {
    title: 'pattern properties stay',
    schema: { type: 'object', properties: { a: {} }, patternProperties: { '^x-': { type: 'string' } } },
    accepted: [{ a: 1, 'x-b': 'c' }],
    refused: [{ b: 1 }, { 'x-b': 1 }],
  },
  {
    title: 'schemas of allOf are closed together',
    schema: { type: 'object', properties: { c: {} }, allOf: [{ properties: { a: {} } }, { properties: { b: {} } }] },
    accepted: [{ a: 1, b: 2, c: 3 }],
    refused: [{ a: 1, d: 1 }],
  },
  {
    title: 'each branch of a choice is closed by itself',
    schema: { type: 'object', anyOf: [{ properties: { a: {} }, required: ['a'] }, { properties: { b: {} } }] },
    accepted: [{ a: 1 }, { b: 1 }],
    refused: [{ a: 1, b: 1 }, { c: 1 }],
  },
  {
    title: 'a choice of requirements is closed by the properties beside it',
    schema: { type: 'object', properties: { a: {}, b: {} }, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
    accepted: [{ a: 1 }, { a: 1, b: 2 }],
    refused: [{}, { a: 1, c: 1 }],
  },
  {
    title: 'if, then and else may declare more',
    schema: {
      type: 'object',
      properties: { kind: {} },
      if: { properties: { kind: { const: 'file' } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword
      then: { properties: { path: {} } },
      else: { properties: { url: {} } },
    },
    accepted: [
      { kind: 'file', path: 'x' },
      { kind: 'web', url: 'x' },
    ],
    refused: [
      { kind: 'file', url: 'x' },
      { kind: 'web', other: 'x' },
    ],
  },
  {
    title: 'a definition that is referred to is closed, recursion included',
    schema: {
      type: 'object',
      properties: { node: { $ref: '#/$defs/Node' } },
      $defs: { Node: { type: 'object', properties: { next: { $ref: '#/$defs/Node' } } } },
    },
    accepted: [{ node: { next: { next: {} } } }],
    refused: [{ node: { next: { other: 1 } } }],
  },
  {
    title: 'a definition that others extend is closed where it is used',
    schema: {
      type: 'object',
      properties: {
        plain: { $ref: '#/$defs/Base' },
        more: { allOf: [{ $ref: '#/$defs/Base' }, { properties: { b: {} } }] },
      },
      $defs: { Base: { type: 'object', properties: { a: {} } } },
    },
    accepted: [{ plain: { a: 1 }, more: { a: 1, b: 2 } }],
    refused: [{ plain: { b: 1 } }, { more: { c: 1 } }],
  },
  {
    title: 'a root that refers to itself is closed',
    schema: { type: 'object', properties: { child: { $ref: '#' } } },
    accepted: [{ child: { child: {} } }],
    refused: [{ child: { other: 1 } }],
  },
  {
    title: 'an anchor is followed',
    schema: {
      type: 'object',
      allOf: [{ $ref: '#base' }],
      $defs: { b: { $anchor: 'base', type: 'object', properties: { a: {} } } },
    },
    accepted: [{ a: 1 }],
    refused: [{ b: 1 }],
  },
  {
    title: 'a condition is not narrowed, for that would widen the schema',
    schema: { type: 'object', properties: { a: {}, b: {} }, not: { properties: { a: { const: 1 } }, required: ['a'] } },
    accepted: [{ a: 2, b: 1 }],
    refused: [{ a: 1 }, { a: 1, b: 1 }],
  },
  {
    title: 'nor is a definition that a condition refers to',
    schema: {
      type: 'object',
      properties: { a: {}, b: {} },
      not: { $ref: '#/$defs/Bad' },
      $defs: { Bad: { type: 'object', properties: { a: { const: 1 } }, required: ['a'] } },
    },
    accepted: [{ a: 2 }],
    refused: [{ a: 1, b: 1 }],
  },
  {
    title: 'a property that two schemas describe together can still be met',
    schema: {
      type: 'object',
      allOf: [
        { properties: { o: { type: 'object', properties: { x: {} } } } },
        { properties: { o: { type: 'object', properties: { y: {} } } } },
      ],
    },
    accepted: [{ o: { x: 1, y: 2 } }],
    refused: [{ p: 1 }],
  },
  {
    title: 'draft-07 is closed too',
    schema: {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: { a: { $ref: '#/definitions/A' }, t: { items: [person] } },
      allOf: [{ properties: { c: {} } }],
      definitions: { A: person },
    },
    accepted: [{ a: { name: 'x' }, c: 1, t: [{ name: 'x' }] }],
    refused: [{ z: 1 }, { a: { z: 1 } }, { t: [{ z: 1 }] }],
  },
  {
    title: 'a property called "properties" is a property, and an enum is no schema',
    schema: {
      type: 'object',
      properties: { properties: { type: 'object', properties: { a: {} } }, e: { enum: [{ properties: {} }] } },
    },
    accepted: [{ properties: { a: 1 } }, { e: { properties: {} } }],
    refused: [{ properties: { b: 1 } }],
  },
]

describe('a closed schema', () => {
  for (const { title, schema, accepted, refused } of CASES) {
    test(title, () => {
      const before = structuredClone(schema)
      const closed = close(schema)
      for (const value of accepted) assert(accepts(closed, value), `refuses ${JSON.stringify(value)}`)
      for (const value of refused) assert(!accepts(closed, value), `accepts ${JSON.stringify(value)}`)
      assert.deepEqual(schema, before)
    })
  }

  test('keeps every keyword it does not need to add', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'https://tools.example/x',
      title: 'T',
      type: 'object',
      $defs: {
        address: { $anchor: 'address', type: 'object', properties: { street: { type: 'string', 'x-note': 1 } } },
      },
      properties: { a: { $ref: '#/$defs/address', description: 'd', default: { properties: {} } } },
      additionalProperties: false,
      examples: [{ properties: { q: 1 } }],
    }
    const expected = structuredClone(schema)
    Object.assign(expected.$defs.address, { additionalProperties: false })
    assert.deepEqual(close(schema), expected)
  })
})

const name = fc.constantFrom('a', 'b', 'c')
const { schema: anySchema } = fc.letrec<{ schema: Params; leaf: Params }>((tie) => ({
  leaf: fc.constantFrom<Params>({}, { type: 'string' }, { type: 'object' }, { required: ['a'] }),
  schema: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'schema' },
    tie('leaf'),
    fc.record({ properties: fc.dictionary(name, tie('schema'), { maxKeys: 2 }) }),
    fc.record({ type: fc.constant('object'), properties: fc.dictionary(name, tie('schema')), not: tie('leaf') }),
    fc.record({ allOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
    fc.record({ properties: fc.dictionary(name, tie('schema')), additionalProperties: fc.boolean() }),
  ),
}))
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(1, 'x'),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value')),
  ),
}))

test('a closed schema accepts nothing that the open one refuses', () => {
  fc.assert(
    fc.property(anySchema, fc.array(anyValue, { minLength: 1, maxLength: 8 }), (schema, values) => {
      const root = { type: 'object', ...schema }
      const [open, closed] = [compiler.compile(root), compiler.compile(close(root))]
      for (const value of values) if (closed(value) === undefined) assert.equal(open(value), undefined)
    }),
    { numRuns: 100 },
  )
})
