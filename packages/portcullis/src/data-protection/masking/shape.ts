/** Decides what of a value is left when only its shape may be seen: its length, its punctuation and, where asked, its last digits. */
import type { ValueKind } from '../../core/recognise/kinds.ts'

const HIDDEN = '•'
const LETTER_OR_DIGIT = /[\p{L}\p{N}]/gu
/** Of these the end is what people compare with a document in their hand. */
const COMPARED: ReadonlySet<ValueKind> = new Set(['card', 'iban', 'phone'])

/** Of cards, accounts and telephones the last `keepLast` letters and digits stay; of e-mail addresses what follows the last point. */
export function inShape(value: string, kind: ValueKind, keepLast: number): string {
  if (kind === 'email') return emailInShape(value)
  const shown = COMPARED.has(kind) ? keepLast : 0
  let left = (value.match(LETTER_OR_DIGIT)?.length ?? 0) - shown
  return value.replace(LETTER_OR_DIGIT, (char) => (left-- > 0 ? HIDDEN : char))
}

function emailInShape(value: string): string {
  const point = value.lastIndexOf('.')
  const hidden = value.slice(0, point).replace(/%40/g, '@').replace(LETTER_OR_DIGIT, HIDDEN)
  return hidden + value.slice(point)
}

/**
 * The same form in plain characters, for values that a schema describes: `0` for digits, `x` and `X` for letters. `john@example.com`
 * becomes `xxxx@xxxxxxx.xxx`, which is an address still, and nobody's.
 */
export const inPlainShape = (value: string): string =>
  value
    .replace(/\p{N}/gu, '0')
    .replace(/\p{Lu}/gu, 'X')
    .replace(/(?!X)\p{L}/gu, 'x')
