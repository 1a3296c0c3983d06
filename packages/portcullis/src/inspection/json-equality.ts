/**
 * Decides when two JSON values are one, for `const`, `enum` and `uniqueItems`: by their text, in time linear in it. The
 * engine compares each item with each other one, and asks values for their `constructor` and `valueOf`, which in JSON are
 * names like any other.
 */
import { _, type KeywordDefinition } from 'ajv'
import type { Params } from '../mcp/message.ts'
import { spend } from './validation-budget.ts'

export const uniqueItems: KeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  error: { message: 'must NOT have duplicate items' },
  errors: false,
  validate: (unique: boolean, items: readonly unknown[]) => {
    if (!unique) return true
    const seen = new Set<string>()
    for (const item of items) seen.add(canonical(item))
    return seen.size === items.length
  },
}

export const constant: KeywordDefinition = {
  keyword: 'const',
  error: { message: 'must be equal to constant', params: ({ schemaCode }) => _`{allowedValue: ${schemaCode}}` },
  errors: false,
  compile: (value: unknown) => oneOf([value]),
}

export const enumeration: KeywordDefinition = {
  keyword: 'enum',
  schemaType: 'array',
  error: {
    message: 'must be equal to one of the allowed values',
    params: ({ schemaCode }) => _`{allowedValues: ${schemaCode}}`,
  },
  errors: false,
  compile: (values: readonly unknown[]) => oneOf(values),
}

function oneOf(values: readonly unknown[]): (value: unknown) => boolean {
  const scalars = new Set(values.filter(isScalar))
  const texts = new Set(values.filter((value) => !isScalar(value)).map(canonical))
  return (value) => (isScalar(value) ? scalars.has(value) : texts.size > 0 && texts.has(canonical(value)))
}

const isScalar = (value: unknown): boolean => typeof value !== 'object' || value === null

function canonical(value: unknown): string {
  spend(1)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const members = Object.keys(value).sort()
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical((value as Params)[name])}`).join()}}`
}
