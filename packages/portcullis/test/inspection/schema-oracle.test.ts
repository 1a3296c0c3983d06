// Our validator against an independent one, over generated schemas and values of the dialect 2020-12.
import { registerSchema, type SchemaObject, unregisterSchema, validate } from '@hyperjump/json-schema/draft-2020-12'
import fc from 'fast-check'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UnusableSchema } from '../../src/inspection/schema-bounds.ts'
import { SchemaCompiler } from '../../src/inspection/schema-compiler.ts'
import type { Params } from '../../src/mcp/message.ts'

const compiler = new SchemaCompiler()
const DIALECT = 'https://json-schema.org/draft/2020-12/schema'
const URI = 'https://oracle.example/schema'

/** What the oracle says of each value. */
async function oracle(schema: Params, values: readonly unknown[]): Promise<readonly boolean[]> {
  registerSchema(structuredClone(schema) as SchemaObject, URI, DIALECT)
  try {
    const ask = await validate(URI)
    return values.map((value) => ask(value as never).valid)
  } finally {
    unregisterSchema(URI)
  }
}

function ours(schema: Params, values: readonly unknown[]): readonly boolean[] {
  const check = compiler.compile(schema)
  return values.map((value) => check(value) === undefined)
}

const NAMES = ['a', 'b', 'ab', 'toString', 'constructor', 'é'] as const
const name = fc.constantFrom(...NAMES)
const text = fc.constantFrom(
  '',
  'a',
  'b',
  'ab',
  'aab',
  '1',
  'é',
  '😀',
  'a b',
  'a\u00a0b',
  '\n',
  '\r',
  '\u2028',
  'toString',
)
const number = fc.oneof(fc.integer({ min: -3, max: 6 }), fc.constantFrom(0.5, 1.5, -0, 1e20, 2 ** 53))
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null))

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
}))

const PATTERNS = [
  '^a',
  'b$',
  '^a+$',
  '[0-9]',
  '^.$',
  '^\\S+$',
  '\\s',
  '^[^\\s]*$',
  '\\p{L}',
  '\\p{Letter}',
  '^[\\s\\S]$',
  '\\u00e9',
  'a|b',
]
const pattern = fc.constantFrom(...PATTERNS)
const TYPES = ['string', 'number', 'integer', 'boolean', 'null', 'array', 'object']
const small = fc.integer({ min: 0, max: 3 })
/** A reference to one of the definitions below, or to the whole; those name only what is inside of the value. */
const reference = fc.constantFrom('#/$defs/one', '#/$defs/two', '#named', '#/$defs/yes', '#/$defs/no')

const KEYWORDS = (schema: fc.Arbitrary<unknown>): Record<string, fc.Arbitrary<unknown>> => {
  const list = fc.array(schema, { minLength: 1, maxLength: 3 })
  const map = fc.dictionary(name, schema, { maxKeys: 3 })
  return {
    type: fc.oneof(
      fc.constantFrom(...TYPES),
      fc.uniqueArray(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 3 }),
    ),
    enum: fc.uniqueArray(value, {
      minLength: 1,
      maxLength: 4,
      comparator: (a, b) => JSON.stringify(a) === JSON.stringify(b),
    }),
    const: value,
    minimum: number,
    maximum: number,
    exclusiveMinimum: number,
    exclusiveMaximum: number,
    multipleOf: fc.constantFrom(1, 2, 3, 0.5),
    minLength: small,
    maxLength: small,
    pattern,
    minItems: small,
    maxItems: small,
    uniqueItems: fc.boolean(),
    prefixItems: list,
    items: schema,
    properties: map,
    patternProperties: fc.dictionary(pattern, schema, { maxKeys: 2 }),
    additionalProperties: schema,
    required: fc.uniqueArray(name, { maxLength: 2 }),
    minProperties: small,
    maxProperties: small,
    propertyNames: schema,
    dependentRequired: fc.dictionary(name, fc.uniqueArray(name, { maxLength: 2 }), { maxKeys: 2 }),
    dependentSchemas: map,
    allOf: list,
    anyOf: list,
    oneOf: list,
    not: schema,
    if: schema,
    then: schema,
    else: schema,
    $ref: reference,
    $dynamicRef: reference,
    unevaluatedProperties: schema,
  }
}
/** The first is refused beside the others, so each schema has one kind. */
const ITEMS = { evaluated: ['unevaluatedItems'], counted: ['contains', 'minContains', 'maxContains'] } as const

function schemas(kind: keyof typeof ITEMS) {
  const { schema } = fc.letrec<{ schema: unknown }>((tie) => {
    const inner = tie('schema')
    const further = { unevaluatedItems: inner, contains: inner, minContains: small, maxContains: small }
    const all = { ...KEYWORDS(inner), ...Object.fromEntries(ITEMS[kind].map((one) => [one, further[one]])) }
    const chosen = fc
      .uniqueArray(fc.constantFrom(...Object.keys(all)), { minLength: 1, maxLength: 4 })
      .chain((keywords) =>
        fc.record(Object.fromEntries(keywords.map((one) => [one, all[one] as fc.Arbitrary<unknown>]))),
      )
    return { schema: fc.oneof({ maxDepth: 4, depthSize: 'small' }, fc.boolean(), chosen, chosen) }
  })
  return schema
}

const object = (kind: keyof typeof ITEMS) => schemas(kind).filter((one): one is Params => typeof one === 'object')

/** Definitions refer to nothing but what is inside of a value, so that no reference leads to itself in place. */
const document = (kind: keyof typeof ITEMS) =>
  fc.record({ root: object(kind), one: object(kind), two: object(kind) }).map(
    ({ root, one, two }): Params => ({
      ...root,
      $defs: {
        one: withoutReferences(one),
        two: { ...withoutReferences(two), $anchor: 'named' },
        yes: true,
        no: false,
      },
    }),
  )

const HELD = ['const', 'enum', 'required', 'dependentRequired']

function withoutReferences(schema: Params): Params {
  const strip = (held: unknown): unknown => {
    if (Array.isArray(held)) return held.map(strip)
    return typeof held === 'object' && held !== null ? withoutReferences(held as Params) : held
  }
  const kept = Object.entries(schema).filter(([keyword]) => keyword !== '$ref' && keyword !== '$dynamicRef')
  return Object.fromEntries(kept.map(([keyword, held]) => [keyword, HELD.includes(keyword) ? held : strip(held)]))
}

describe('the validator says what an independent one says', () => {
  for (const kind of Object.keys(ITEMS) as (keyof typeof ITEMS)[]) {
    it(`of generated schemas, with ${ITEMS[kind].join(', ')}`, async () => {
      await fc.assert(
        fc.asyncProperty(document(kind), fc.array(value, { minLength: 6, maxLength: 12 }), async (schema, values) => {
          assert.deepEqual(ours(schema, values), await oracle(schema, values))
        }),
        { numRuns: 400 },
      )
    })
  }
})

/** Ours first: a refused schema makes its tool unavailable. */
type Verdicts = readonly [ours: boolean | 'refused', oracle: boolean]

// biome-ignore format: one difference a row
const DIFFERENCES: readonly (readonly [why: string, schema: Params, value: unknown, verdicts: Verdicts])[] = [
  ['formats are asserted: for the standard they are notes', { format: 'email' }, 'nobody', [false, true]],
  ['multiples are exact: the oracle rounds', { multipleOf: 1 }, 1.00000001, [false, true]],
  ['nothing is fetched or looked up, so the meta-schema is no schema to refer to', { $ref: DIALECT }, {}, ['refused', true]],
  ['an identifier inside would change what a local reference means', { items: { $id: 'https://a.example/', $ref: '#/$defs/a', $defs: { a: { type: 'string' } } } }, ['a'], ['refused', true]],
  ['what is no schema is neither checked nor closed, so nothing refers to it', { $ref: '#/examples/0', examples: [{ type: 'string' }] }, 'a', ['refused', true]],
  ['the engine passes over this property', { properties: JSON.parse('{"__proto__":{"type":"string"}}') as Params }, {}, ['refused', true]],
  ['the engine does not note single items', { contains: { type: 'string' }, unevaluatedItems: false }, ['a'], ['refused', true]],
  ['patterns run in linear time, which cannot look around', { pattern: '^(?!a)' }, 'b', ['refused', true]],
  ['nor refer back', { pattern: '^(.)\\1$' }, 'aa', ['refused', true]],
  ['nor count for long', { pattern: '^a{1001}$' }, 'a', ['refused', false]],
  ['a schema is bounded', { allOf: Array.from({ length: 1_001 }, () => ({})) }, 1, ['refused', true]],
]

describe('the validator differs on purpose, because', () => {
  for (const [why, schema, given, [here, there]] of DIFFERENCES) {
    it(why, async () => {
      if (here === 'refused') assert.throws(() => compiler.compile(schema), UnusableSchema)
      else assert.deepEqual(ours(schema, [given]), [here])
      assert.deepEqual(await oracle(schema, [given]), [there])
    })
  }
})
