/** Decides whether digits can be a number that a state gave to a person: its check digits and, where it has one, its date. */
import { createRequire } from 'node:module'
import { isLuhn } from './card.ts'
import { digitsOf } from './find-all.ts'

type Test = (text: string, locale: string) => boolean

let tax: Test | undefined
let card: Test | undefined

/** The tables of countries are read when the first candidate is met. */
const load = (name: string): Test => {
  const loaded = createRequire(import.meta.url)(`validator/lib/${name}.js`) as { readonly default?: Test } | Test
  return typeof loaded === 'function' ? loaded : (loaded.default as Test)
}

/** By the rules of a tax authority, for digits and letters without separators. */
export const taxId =
  (locale: string) =>
  (found: string): boolean =>
    (tax ??= load('isTaxID'))(found.replace(/[ .]/g, ''), locale)

/** By the rules of an identity card. */
export const identityCard =
  (locale: string) =>
  (found: string): boolean =>
    (card ??= load('isIdentityCard'))(found.replace(/[ .]/g, ''), locale)

export const luhn = (found: string): boolean => isLuhn(digitsOf(found))

/** Areas, groups and serials that the Social Security Administration gives out, or has; those of taxpayers without one begin with 9. */
export function isSsn(found: string): boolean {
  const digits = digitsOf(found)
  const [area, group, serial] = [digits.slice(0, 3), digits.slice(3, 5), digits.slice(5)]
  if (area === '000' || area === '666' || group === '00' || serial === '0000') return false
  return area < '900' || /^(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])$/.test(group)
}

/** A weighted sum of digits that is a multiple of a number. */
export const weighted =
  (weights: readonly number[], modulus: number) =>
  (found: string): boolean => {
    const digits = digitsOf(found)
    if (digits.length !== weights.length || /^0+$/.test(digits)) return false
    return weights.reduce((sum, weight, at) => sum + weight * Number(digits[at]), 0) % modulus === 0
  }

/** France: what is left of the first thirteen by 97; Corsica writes 2A and 2B. */
export function isNir(found: string): boolean {
  const text = found.replace(/[ .]/g, '').toUpperCase().replace('2A', '19').replace('2B', '18')
  return /^\d{15}$/.test(text) && 97n - (BigInt(text.slice(0, 13)) % 97n) === BigInt(text.slice(13))
}

/** Belgium: what is left of the first nine by 97, with a 2 before them for who was born since 2000. */
export function isBelgian(found: string): boolean {
  const digits = digitsOf(found)
  const [first, check] = [digits.slice(0, 9), Number(digits.slice(9))]
  return hasDate(digits) && [first, `2${first}`].some((one) => 97 - (Number(one) % 97) === check)
}

/** Turkey: two check digits. */
export function isTurkish(found: string): boolean {
  const digits = Array.from(digitsOf(found), Number)
  const sum = (from: number, to: number, step: number): number =>
    digits.reduce((all, digit, at) => (at >= from && at <= to && (at - from) % step === 0 ? all + digit : all), 0)
  const tenth = (((sum(0, 8, 2) * 7 - sum(1, 7, 2)) % 10) + 10) % 10
  return digits.length === 11 && digits[0] !== 0 && digits[9] === tenth && digits[10] === sum(0, 9, 1) % 10
}

const CHECK_LETTERS: Readonly<Record<string, string>> = {
  S: 'JZIHGFEDCBA',
  T: 'GFEDCBAJZIH',
  F: 'XWUTRQPNMLK',
  G: 'RQPNMLKXWUT',
}

/** Singapore: a letter from a weighted sum. */
export function isNric(found: string): boolean {
  const text = found.toUpperCase()
  const sum = [2, 7, 6, 5, 4, 3, 2].reduce((all, weight, at) => all + weight * Number(text[at + 1]), 0)
  const first = text.charAt(0)
  // The letters of the tables begin at the remainder 0; series T and G are turned by four.
  return CHECK_LETTERS[first]?.charAt(sum % 11) === text.charAt(8)
}

const DIHEDRAL = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
]
const PERMUTED = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
]

/** India: the check digit of Verhoeff (1969). */
export function isVerhoeff(found: string): boolean {
  const digits = Array.from(digitsOf(found)).toReversed()
  const rest = digits.reduce((all, digit, at) => {
    const permuted = Number((PERMUTED[at % 8] as string)[Number(digit)])
    return Number((DIHEDRAL[all] as string)[permuted])
  }, 0)
  return rest === 0
}

/** Whether digits begin with a date as YYMMDD. */
export function hasDate(digits: string): boolean {
  const [month, day] = [Number(digits.slice(2, 4)), Number(digits.slice(4, 6))]
  return month >= 1 && month <= 12 && day >= 1 && day <= 31
}
