import formatsPlugin from 'ajv-formats'
import type { Format } from 'ajv'

/**
 * The formats that are asserted, which JSON Schema leaves open: those of draft-07 and 2020-12, and OpenAPI's. A format
 * that nobody knows stays an annotation (2020-12 validation, section 7.2.3).
 *
 * They are native regular expressions, some with super-linear worst cases, so their texts are bounded.
 */
const NAMES = [
  'date',
  'time',
  'date-time',
  'iso-time',
  'iso-date-time',
  'duration',
  'uri',
  'uri-reference',
  'uri-template',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'regex',
  'uuid',
  'json-pointer',
  'json-pointer-uri-fragment',
  'relative-json-pointer',
  'byte',
  'int32',
  'int64',
  'float',
  'double',
] as const

const MAX_CHARACTERS = 2048
/** URIs and Base64 may carry data; their expressions are linear. */
const MAX_DATA_CHARACTERS = 1_048_576
const DATA = new Set<string>(['uri', 'uri-reference', 'byte'])

export function assertedFormats(): Record<string, Format> {
  return Object.fromEntries(
    NAMES.map((name) => [
      name,
      bounded(formatsPlugin.default.get(name), DATA.has(name) ? MAX_DATA_CHARACTERS : MAX_CHARACTERS),
    ]),
  )
}

function bounded(format: Format, maxCharacters: number): Format {
  if (format instanceof RegExp) return (text: string) => text.length <= maxCharacters && format.test(text)
  if (typeof format !== 'object' || format === null || !('validate' in format)) return format
  const { validate } = format
  if (format.type === 'number' || typeof validate !== 'function') return format
  const test = validate as (text: string) => boolean
  return (text: string) => text.length <= maxCharacters && test(text)
}
