/** Decides which digits are the number of a payment card: its grouping, its issuer and its check digit (ISO/IEC 7812-1). */
import { digitsOf, findAll } from './find-all.ts'
import type { Find } from './kinds.ts'

/**
 * One group, or the groupings that are printed on cards: 4-4-4-4 with up to three digits more, 4-6-5 and 4-6-4. No digits, letters or
 * decimal points around it.
 */
const CANDIDATE =
  /(?<![\p{L}\d_]|\d[.])(?:\d{4}([ .\u00a0\u2009\u202f\u2010-\u2013-])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{3})?|\d{4}([ .\u00a0\u2009\u202f\u2010-\u2013-])\d{6}\2\d{4,5}|\d{13,19})(?![\p{L}\d_]|[.]\d)/gu

export const findCards: Find = (text) => findAll(text, 'card', CANDIDATE, (found) => isCard(digitsOf(found)))

/** Whether digits are of an issuer who exists, as long as its cards are, with the right check digit. */
export function isCard(digits: string): boolean {
  const { length } = digits
  return ISSUERS.some((one) => one.lengths.includes(length) && one.prefix.test(digits)) && isLuhn(digits)
}

/** Issuer identification numbers and lengths, as the networks publish them. */
// biome-ignore format: one network a row
const ISSUERS: readonly { readonly prefix: RegExp; readonly lengths: readonly number[] }[] = [
  { prefix: /^4/, lengths: [13, 16, 19] }, // Visa
  { prefix: /^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16] }, // Mastercard
  { prefix: /^3[47]/, lengths: [15] }, // American Express
  { prefix: /^(?:30[0-5]|3095|36|38|39)/, lengths: [14, 16, 19] }, // Diners Club
  { prefix: /^(?:6011|64[4-9]|65)/, lengths: [16, 19] }, // Discover
  { prefix: /^35(?:2[89]|[3-8])/, lengths: [16, 19] }, // JCB
  { prefix: /^(?:2131|1800)/, lengths: [15] }, // JCB, older
  { prefix: /^62/, lengths: [16, 17, 18, 19] }, // UnionPay
  { prefix: /^(?:5018|5020|5038|5893|6304|6759|676[1-3])/, lengths: [13, 14, 15, 16, 17, 18, 19] }, // Maestro
  { prefix: /^220[0-4]/, lengths: [16, 17, 18, 19] }, // Mir
  { prefix: /^(?:60|65|81|82|508)/, lengths: [16] }, // RuPay
  { prefix: /^9792/, lengths: [16] }, // Troy
]

/** The check digit of Luhn (ISO/IEC 7812-1 annex B). */
export function isLuhn(digits: string): boolean {
  let sum = 0
  for (let at = digits.length - 1, isSecond = false; at >= 0; at--, isSecond = !isSecond) {
    const digit = digits.charCodeAt(at) - 48
    const doubled = isSecond ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0 && /[1-9]/.test(digits)
}
