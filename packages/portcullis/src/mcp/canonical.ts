import { createHash, hash } from 'node:crypto'
import { bulkOf } from '../core/bulk.ts'
import { eachText } from './write-json.ts'

/**
 * One byte form for one JSON value, so that a digest of it can be compared by anybody: RFC 8785 (JCS).
 *
 * ECMAScript already writes numbers and strings as RFC 8785 demands; what is left is the order of the members. A lone
 * surrogate, on which RFC 8785 gives up, is written as its `\udXXX` escape.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  return Array.isArray(value) ? canonicalArray(value) : canonicalObject(value as Readonly<Record<string, unknown>>)
}

/** SHA-256, lower-case hex, over the UTF-8 bytes of the canonical form. */
export function digestOf(value: unknown): string {
  const known = bulkOf(value) && digests.get(value as object)
  if (known !== undefined) return known
  return hash('sha256', canonicalJson(value), 'hex')
}

/** Of bulky values, which nobody changes once they were read; so that `digestOf` need not go over one again. */
const digests = new WeakMap<object, string>()

/** The same digest of a value that is too large to go over in one turn. */
export async function digestInTurns(value: object): Promise<string> {
  const hashing = createHash('sha256')
  await eachText(value, true, (text) => hashing.update(text))
  const digest = hashing.digest('hex')
  digests.set(value, digest)
  return digest
}

function canonicalArray(values: readonly unknown[]): string {
  let text = '['
  for (let at = 0; at < values.length; at++) {
    if (at > 0) text += ','
    text += canonicalJson(values[at])
  }
  return `${text}]`
}

function canonicalObject(object: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(object)
  // The default order of sort() is by UTF-16 code units, which is what RFC 8785 §3.2.3 asks for.
  if (names.length > 1) names.sort()
  let text = '{'
  for (const name of names) {
    const value = object[name]
    if (value === undefined) continue
    if (text.length > 1) text += ','
    text += `${JSON.stringify(name)}:${canonicalJson(value)}`
  }
  return `${text}}`
}
