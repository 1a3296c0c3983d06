/** What a request may say: each field is read strictly, and describes itself for the OpenAPI document. */
import { Fault } from '../core/fault.ts'

/** A part of JSON Schema 2020-12. */
export type FieldSchema = Readonly<Record<string, unknown>>

export interface Field<T> {
  readonly schema: FieldSchema
  readonly isOptional: boolean
  /** Throws the fault `message.invalid_params`, which names `at` and never repeats the value. */
  read(value: unknown, at: string): T
}

export type Fields = Readonly<Record<string, Field<unknown>>>

/** What the fields give together; optional ones may be absent. */
export type Told<F extends Fields> = {
  readonly [K in keyof F as undefined extends Read<F[K]> ? never : K]: Read<F[K]>
} & { readonly [K in keyof F as undefined extends Read<F[K]> ? K : never]?: Exclude<Read<F[K]>, undefined> }

type Read<F> = F extends Field<infer T> ? T : never

/** Refuses what was sent with a sentence that says what would be right. */
export function refuseField(at: string, right: string): never {
  throw new Fault('message.invalid_params', { at, right }, { says: `${at} must be ${right}.` })
}

/** One line of text of so many characters. With a pattern, its whole must match. */
export function text(description: string, { max = 200, pattern }: TextRule = {}): Field<string> {
  const rule = pattern === undefined ? /^[^\p{Cc}]+$/u : pattern
  return {
    schema: { type: 'string', minLength: 1, maxLength: max, ...(pattern && { pattern: pattern.source }), description },
    isOptional: false,
    read: (value, at) =>
      typeof value === 'string' && value.length <= max && rule.test(value) ? value : refuseField(at, description),
  }
}

interface TextRule {
  readonly max?: number
  readonly pattern?: RegExp
}

/** Text of any lines. */
export const texts = (description: string, maxLength: number): Field<string> => ({
  schema: { type: 'string', maxLength, description },
  isOptional: false,
  read: (value, at) =>
    typeof value === 'string' && value.length <= maxLength
      ? value
      : refuseField(at, `text of at most ${maxLength} characters`),
})

/** A whole number. As part of a query it is read from its digits. */
export const whole = (description: string, minimum: number, maximum: number): Field<number> => ({
  schema: { type: 'integer', minimum, maximum, description },
  isOptional: false,
  read(value, at) {
    const number = typeof value === 'string' && /^(?:0|[1-9]\d{0,15})$/.test(value) ? Number(value) : value
    const fits = typeof number === 'number' && Number.isSafeInteger(number) && number >= minimum && number <= maximum
    return fits ? number : refuseField(at, `a whole number from ${minimum} to ${maximum}`)
  },
})

/** An instant as RFC 3339 §5.6 writes it, on a day that there is; milliseconds since the epoch. */
export const instant = (description: string): Field<number> => ({
  schema: { type: 'string', format: 'date-time', maxLength: 40, description },
  isOptional: false,
  read(value, at) {
    const [, day = '', hour = ''] = (typeof value === 'string' && INSTANT.exec(value)) || []
    const parsed = Date.parse(String(value).toUpperCase())
    // Date rolls 30 February over into March, and 24 o'clock into the next day.
    const midnight = Date.parse(`${day}T00:00:00Z`)
    const isReal = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day) && hour !== '24'
    return isReal && !Number.isNaN(parsed) ? parsed : refuseField(at, 'an instant such as 2026-01-31T12:00:00Z')
  },
})

const INSTANT = /^(\d{4}-\d\d-\d\d)[Tt](\d\d):\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/

export const flag = (description: string): Field<boolean> => ({
  schema: { type: 'boolean', description },
  isOptional: false,
  read: (value, at) => (typeof value === 'boolean' ? value : refuseField(at, 'true or false')),
})

/** One of a few words. */
export const word = <const W extends string>(description: string, words: readonly W[]): Field<W> => ({
  schema: { type: 'string', enum: words, description },
  isOptional: false,
  read: (value, at) => words.find((one) => one === value) ?? refuseField(at, `one of ${words.join(', ')}`),
})

/** Up to so many items, none twice. */
export const several = <T>(item: Field<T>, maxItems: number, minItems = 0): Field<readonly T[]> => ({
  schema: { type: 'array', items: item.schema, minItems, maxItems, uniqueItems: true },
  isOptional: false,
  read(value, at) {
    if (!Array.isArray(value) || value.length > maxItems || value.length < minItems)
      return refuseField(at, `a list of ${minItems} to ${maxItems}`)
    if (new Set(value).size < value.length) return refuseField(at, 'a list without repetitions')
    return value.map((one: unknown, index) => item.read(one, `${at}[${index}]`))
  },
})

/** An object with these members. */
export const members = <F extends Fields>(description: string, fields: F): Field<Told<F>> => ({
  schema: { ...schemaOf(fields), description },
  isOptional: false,
  read: (value, at) => readFields(fields, value, at),
})

/** Any JSON object, such as the arguments of a call. */
export const anyObject = (description: string): Field<Readonly<Record<string, unknown>>> => ({
  schema: { type: 'object', description },
  isOptional: false,
  read: (value, at) => (isObject(value) ? value : refuseField(at, 'an object')),
})

export const optional = <T>(field: Field<T>): Field<T | undefined> => ({
  ...field,
  isOptional: true,
  read: (value, at) => (value === undefined ? undefined : field.read(value, at)),
})

/** Reads the members of an object. What is not asked for is refused: it may be a misspelt restriction. */
export function readFields<F extends Fields>(fields: F, given: unknown, what: string): Told<F> {
  if (!isObject(given)) return refuseField(what, 'an object')
  for (const name of Object.keys(given)) {
    // The name is the caller's own, so only its place is told.
    if (!Object.hasOwn(fields, name))
      return refuseField(what, `without members other than ${Object.keys(fields).join(', ') || 'none'}`)
  }
  const entries = Object.entries(fields).map(([name, field]) => [name, field.read(given[name], name)] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Told<F>
}

/** The schema of an object with these members. */
export function schemaOf(fields: Fields): FieldSchema {
  const required = Object.entries(fields).flatMap(([name, field]) => (field.isOptional ? [] : [name]))
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.schema])),
    ...(required.length > 0 && { required }),
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
