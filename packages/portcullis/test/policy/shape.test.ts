import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { shapeText } from '../../src/policy/schema.ts'
import { shapeOf } from '../../src/policy/shape.ts'

const text = (properties: unknown, more: object = {}) => shapeText(shapeOf({ type: 'object', properties, ...more }))

// biome-ignore format: one schema a row
const READABLE: readonly (readonly [schema: unknown, type: string])[] = [
  [{ type: 'string', format: 'uri' },                        '__cedar::String'],
  [{ type: 'integer', minimum: 0 },                          '__cedar::Long'],
  [{ type: 'number' },                                       '__cedar::decimal'],
  [{ type: 'boolean' },                                      '__cedar::Bool'],
  [{ enum: ['a', 'b'] },                                     '__cedar::String'],
  [{ const: true },                                          '__cedar::Bool'],
  [{ type: ['integer', 'null'] },                            '__cedar::Long'],
  [{ anyOf: [{ type: 'null' }, { type: 'string' }] },        '__cedar::String'],
  [{ type: 'array', items: { type: 'string' } },             'Set<__cedar::String>'],
  [{ $ref: '#/$defs/Name' },                                 '__cedar::String'],
  [{ type: 'object', properties: { a: { type: 'string' } } }, '{ "a"?: __cedar::String }'],
]

const UNREADABLE: readonly unknown[] = [
  {},
  true,
  { type: ['string', 'integer'] },
  { type: 'null' },
  { anyOf: [{ type: 'string' }, { type: 'integer' }] },
  { type: 'array' },
  { type: 'array', items: { type: ['string', 'null'] } },
  { $ref: 'https://example.org/schema' },
  { $ref: '#/$defs/Loop' },
  { enum: ['a', 1] },
]

const more = { $defs: { Name: { type: 'string' }, Loop: { $ref: '#/$defs/Loop' } } }

describe('the shape of arguments', () => {
  for (const [schema, type] of READABLE) {
    it(`reads ${JSON.stringify(schema)} as ${type}`, () => assert.equal(text({ x: schema }, more), `{ "x"?: ${type} }`))
  }

  for (const schema of UNREADABLE) {
    it(`does not read ${JSON.stringify(schema)}, and says what it is`, () => {
      assert.equal(text({ x: schema }, more), '{  }')
      assert.match(shapeOf({ properties: { x: schema }, ...more }).unusable.get('x') ?? '', /\w/)
    })
  }

  it('makes required what is required and cannot be null', () => {
    const properties = { a: { type: 'string' }, b: { type: ['string', 'null'] } }
    assert.equal(text(properties, { required: ['a', 'b'] }), '{ "a": __cedar::String, "b"?: __cedar::String }')
  })

  it('quotes names that are no identifiers', () => {
    assert.equal(text({ 'a"\\é': { type: 'string' } }), '{ "a\\"\\\\\\u{e9}"?: __cedar::String }')
  })

  it('ends for a schema that contains itself', () => {
    const node = { type: 'object', properties: { next: { $ref: '#/$defs/Node' }, name: { type: 'string' } } }
    assert.match(text({ tree: { $ref: '#/$defs/Node' } }, { $defs: { Node: node } }), /"name"/)
  })
})
