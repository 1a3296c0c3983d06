/**
 * Decides which letters and digits are numbers that a state gave to a person. Where digits alone could be anything, a word has to
 * stand before them.
 *
 * Forms and check digits are facts from the publications of the states; some checks are those of the library `validator` (MIT).
 */
import { windowed } from './digit-windows.ts'
import { findAll, isAfterWord, NOTHING } from './find-all.ts'
import {
  hasDate,
  identityCard,
  isBelgian,
  isNir,
  isNric,
  isSsn,
  isTurkish,
  isVerhoeff,
  luhn,
  taxId,
  weighted,
} from './id-checks.ts'
import type { Find, Span } from './kinds.ts'

interface IdRule {
  /** Country and number, for people. */
  readonly name: string
  readonly pattern: RegExp
  readonly check?: (found: string) => boolean
  /** Stands shortly before the number. Absent where the form says enough. */
  readonly word?: RegExp
}

/** Nothing that goes on stands around it. */
const id = (source: string, flags = 'gu'): RegExp =>
  new RegExp(String.raw`(?<![\p{L}\d_.]|\d[-/ ])(?:${source})(?![\p{L}\d_]|[-./]\d)`, flags)

const EAN13 = weighted([1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1], 10)
const dated = (check: (found: string) => boolean) => (found: string) => hasDate(found) && check(found)

// biome-ignore format: one number a row
export const ID_RULES: readonly IdRule[] = [
  { name: 'us-ssn', pattern: id(String.raw`\d{3}([- ])\d{2}\1\d{4}`), check: isSsn },
  { name: 'us-ssn', pattern: id(String.raw`\d{9}`), check: isSsn, word: /\b(?:ssn|social security|itin)\b/i },
  { name: 'gb-nino', pattern: id(String.raw`(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]`) },
  { name: 'gb-nhs', pattern: id(String.raw`\d{3}[- ]?\d{3}[- ]?\d{4}`), check: weighted([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 11), word: /\bnhs\b/i },
  { name: 'ca-sin', pattern: id(String.raw`[1-79]\d{2}([- ]?)\d{3}\1\d{3}`), check: luhn, word: /\b(?:sin|nas|social insurance)\b/i },
  { name: 'de-steuer-id', pattern: id(String.raw`[1-9]\d ?\d{3} ?\d{3} ?\d{3}`), check: taxId('de-DE'), word: /\b(?:steuer|idnr|tin|tax)/i },
  { name: 'fr-nir', pattern: id(String.raw`[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}`), check: isNir },
  { name: 'es-dni', pattern: id(String.raw`(?:\d{8}|[XYZ]\d{7})-?[A-HJ-NP-TV-Z]`), check: (found) => identityCard('ES')(found.replace('-', '')) },
  { name: 'it-codice-fiscale', pattern: id(String.raw`[A-Z]{6}\d[\dL-NP-V][A-EHLMPR-T][\dL-NP-V]{2}[A-Z][\dL-NP-V]{3}[A-Z]`), check: taxId('it-IT') },
  { name: 'pt-nif', pattern: id(String.raw`[1-35689]\d{2} ?\d{3} ?\d{3}`), check: taxId('pt-PT'), word: /\b(?:nif|contribuinte)\b/i },
  { name: 'nl-bsn', pattern: id(String.raw`\d{9}`), check: weighted([9, 8, 7, 6, 5, 4, 3, 2, -1], 11), word: /\b(?:bsn|burgerservice|sofi)/i },
  { name: 'be-nn', pattern: id(String.raw`\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}`), check: isBelgian },
  { name: 'be-nn', pattern: id(String.raw`\d{11}`), check: isBelgian, word: /\b(?:rijksregister|insz|niss|registre national)/i },
  { name: 'pl-pesel', pattern: id(String.raw`\d{11}`), check: identityCard('PL'), word: /\bpesel\b/i },
  { name: 'se-personnummer', pattern: id(String.raw`(?:19|20)?\d{6}[-+]\d{4}`), check: (found) => dated(luhn)(found.slice(-11)) },
  { name: 'dk-cpr', pattern: id(String.raw`(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2}-?\d{4}`), word: /\b(?:cpr|personnummer)/i },
  { name: 'fi-hetu', pattern: id(String.raw`(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2}[-+A]\d{3}[\dA-FHJ-NPR-Y]`), check: identityCard('FI') },
  { name: 'no-fnr', pattern: id(String.raw`(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2} ?\d{5}`), check: identityCard('NO'), word: /\b(?:f[oø]dselsnummer|fnr|personnummer)/i },
  { name: 'cz-rc', pattern: id(String.raw`\d{2}(?:[05][1-9]|[16][0-2]|[27][1-9]|[38][0-2])(?:0[1-9]|[12]\d|3[01])/\d{4}`), check: taxId('cs-CZ') },
  { name: 'ro-cnp', pattern: id(String.raw`[1-8]\d{12}`), check: taxId('ro-RO'), word: /\bcnp\b/i },
  { name: 'bg-egn', pattern: id(String.raw`\d{10}`), check: taxId('bg-BG'), word: /\begn\b/i },
  { name: 'ee-lt-isikukood', pattern: id(String.raw`[1-6]\d{10}`), check: taxId('et-EE'), word: /\b(?:isikukood|asmens kod)/i },
  { name: 'hr-oib', pattern: id(String.raw`\d{11}`), check: taxId('hr-HR'), word: /\boib\b/i },
  { name: 'ch-ahv', pattern: id(String.raw`756\.?\d{4}\.?\d{4}\.?\d{2}`), check: EAN13 },
  { name: 'br-cpf', pattern: id(String.raw`\d{3}\.\d{3}\.\d{3}-\d{2}`), check: (found) => taxId('pt-BR')(found.replace('-', '')) },
  { name: 'br-cpf', pattern: id(String.raw`\d{11}`), check: taxId('pt-BR'), word: /\bcpf\b/i },
  { name: 'in-aadhaar', pattern: id(String.raw`[2-9]\d{3}([ -]?)\d{4}\1\d{4}`), check: isVerhoeff, word: /\b(?:aadhaar|aadhar|uidai)\b/i },
  { name: 'in-pan', pattern: id(String.raw`[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]`) },
  { name: 'cn-id', pattern: id(String.raw`[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]`), check: identityCard('zh-CN') },
  { name: 'za-id', pattern: id(String.raw`\d{13}`), check: dated(luhn), word: /\b(?:id number|identity|sa id|rsa id)/i },
  { name: 'il-id', pattern: id(String.raw`\d{9}`), check: identityCard('he-IL'), word: /\b(?:teudat zehut|israeli id)/i },
  { name: 'tr-tckn', pattern: id(String.raw`[1-9]\d{10}`), check: isTurkish, word: /\b(?:tckn|tc kimlik|t\.c\.)/i },
  { name: 'au-tfn', pattern: id(String.raw`\d{3} ?\d{3} ?\d{3}`), check: weighted([1, 4, 3, 7, 5, 8, 6, 9, 10], 11), word: /\b(?:tfn|tax file)/i },
  { name: 'mx-curp', pattern: id(String.raw`[A-Z][AEIOUX][A-Z]{2}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[HMX][A-Z]{5}[A-Z\d]\d`) },
  { name: 'kr-rrn', pattern: id(String.raw`\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-[1-8]\d{6}`) },
  { name: 'sg-nric', pattern: id(String.raw`[STFG]\d{7}[A-Z]`), check: isNric },
  { name: 'th-id', pattern: id(String.raw`\d-\d{4}-\d{5}-\d{2}-\d`), check: (found) => identityCard('TH')(found.replaceAll('-', '')) },
  { name: 'passport', pattern: id(String.raw`(?=[A-Z]{0,2}\d{6})[A-Z]{0,2}\d{6,9}`), word: /\b(?:passport|reisepass|passeport|pasaporte)\b/i },
  { name: 'driver-licence', pattern: id(String.raw`(?=\w{0,4}\d{4})[A-Z]{0,2}\d{6,14}`), word: /\b(?:driver'?s?|driving) licen[cs]e/i },
]

/** Of a taxpayer of India; all others have more digits. */
const LEAST_DIGITS = 4
/** What all of them have in common, so that dates, prices and versions cost one look. */
const MAY_BE = /\d{6}|\d(?:[-+ ./]?\d){8}|[A-Z]\d{4}|[A-Z]{4}\d|[A-Z]{2} ?\d\d ?\d\d ?\d\d/

export const findNationalIds: Find = windowed(LEAST_DIGITS, (window, from, whole) => {
  if (!MAY_BE.test(window)) return NOTHING
  let spans: Span[] | undefined
  for (const { pattern, check, word } of ID_RULES) {
    const found = findAll(
      window,
      'national-id',
      pattern,
      (one, at) => (word === undefined || isAfterWord(word, whole, from + at)) && (check?.(one) ?? true),
    )
    for (const span of found) (spans ??= []).push(span)
  }
  return spans?.toSorted((one, other) => one.start - other.start) ?? NOTHING
})
