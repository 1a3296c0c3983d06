/** Decides which digits are a telephone number: with its country, in the grouping of a country, or behind a word that says so. */
import { createRequire } from 'node:module'
import { windowed } from './digit-windows.ts'
import { digitsOf, findAll, isAfterWord, NOTHING } from './find-all.ts'
import type { Find } from './kinds.ts'

const SPACE = String.raw`[ .\u00a0\u2010-\u2013/-]`
const BEFORE = String.raw`(?<![\p{L}\d_+=]|\d[.,:/-]|\d[ ]\()`
const AFTER = String.raw`(?![\p{L}\d_]|[.,:/-]\d)`
const EXTENSION = String.raw`(?:\s?(?:x|ext\.?|extension)\s?\d{1,6})?`

/** With the code of a country (ITU-T E.164). */
const INTERNATIONAL = new RegExp(
  String.raw`(?<![\p{L}\d_+])(?:\+|00(?=[1-9]))\d(?:${SPACE}{0,2}\(?\d\)?){6,14}(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![\p{L}\d_])`,
  'gu',
)
/** Three, three and four digits as North America writes them. */
const NANP = new RegExp(
  String.raw`${BEFORE}(?:\+?1${SPACE})?(?:\(\d{3}\)[ -]?|\d{3}([ .\u2010-\u2013-])(?=\d{3}\1))\d{3}[ .\u2010-\u2013-]\d{4}${EXTENSION}${AFTER}`,
  'gu',
)
/** The zero that begins a number inside of most other countries, and groups behind it. */
const TRUNK = new RegExp(
  String.raw`${BEFORE}(?:\(0\d{1,5}\)|0\d{1,4})${SPACE}\d{2,8}(?:${SPACE}\d{2,5}){0,4}${EXTENSION}${AFTER}`,
  'gu',
)
/** Any digits in groups; only where a word says what they are. */
const NAMED = new RegExp(
  String.raw`(?<![\p{L}\d_])(?:\d{7,15}|\(?\d{2,5}\)?(?:(?:${SPACE}{1,2}\(?|\(|(?<=\)))\d{1,9}\)?){1,6})${EXTENSION}(?![\p{L}\d_])`,
  'gu',
)
const WORDS =
  /\b(?:tel(?:ephone|\.)?|t[eé]l[eé]fono?|t[eé]l[eé]phone|phone|mobile|m[oó]vil|cell(?:ular)?|handy|fax|whatsapp|rufnummer|telefon(?:nummer)?|call(?: (?:me|us|him|her|them))?|dial|text me|reach (?:me|us|him|her|them)|answering at|(?:my|his|her|our|your|their|contact|phone) number|hotline|sms)\b/i

/** What people write behind a number. */
const KINDS_BEHIND = /^[- ,(]{1,2}(?:office|fax|mobile|cell|home|work)\b/i

export const findPhones: Find = windowed(7, (window, from, whole) => {
  const found = [
    ...findAll(window, 'phone', INTERNATIONAL, isInternational),
    ...findAll(window, 'phone', NANP, (one, at) => isNumber(one, 10, 17) && !isDecimal(window, at)),
    ...findAll(window, 'phone', TRUNK, (one, at) => isNumber(one, 9, 12) && !isDecimal(window, at)),
    ...findAll(window, 'phone', NAMED, (one, at) => isNumber(one, 7, 15) && isNamed(whole, from + at, one.length)),
  ]
  return found.length === 0 ? NOTHING : found.toSorted((one, other) => one.start - other.start)
})

const isNamed = (text: string, at: number, length: number): boolean =>
  isAfterWord(WORDS, text, at, 40) || KINDS_BEHIND.test(text.slice(at + length, at + length + 12))

const isDecimal = (text: string, at: number): boolean => /\d[.,]$/.test(text.slice(Math.max(0, at - 2), at))

function isNumber(found: string, least: number, most: number): boolean {
  const { length } = digitsOf(found.replace(/\s?(?:x|ext).*$/, ''))
  return length >= least && length <= most && !NO_NUMBER.test(found)
}

/** Dates, versions, addresses of machines, and the same digit over and over. */
const NO_NUMBER =
  /^(?:(?:19|20)\d\d[-/. ](?:0?[1-9]|1[0-2])[-/. ](?:0?[1-9]|[12]\d|3[01])|(?:0?[1-9]|[12]\d|3[01])[-/. ](?:0?[1-9]|[12]\d|3[01])[-/. ](?:19|20)?\d\d)(?![-/. ]?\d)|^\d{1,3}(?:\.\d{1,3}){3}$|^(\d)\1+$|^(?:19|20)\d\d ?[-\u2013] ?(?:19|20)\d\d$/

/** As many characters as make a number that its country has; groups behind it may be something else. */
function isInternational(found: string): boolean | number {
  for (let shown = found; digitsOf(shown).length >= 8; shown = shown.replace(/[^\d]*\d+\D*$/, '')) {
    const whole = shown.replace(/\s?(?:x|ext).*$/, '').replace(/^00/, '+')
    if (parse(whole)?.isPossible() === true) return shown.length
  }
  return false
}

type Parse = (text: string) => { isPossible(): boolean } | undefined
let loaded: Parse | undefined

/** The tables of numbers are read when the first one is met. */
function parse(text: string): ReturnType<Parse> {
  loaded ??= (createRequire(import.meta.url)('libphonenumber-js/min') as { readonly parsePhoneNumberFromString: Parse })
    .parsePhoneNumberFromString
  return loaded(text)
}
