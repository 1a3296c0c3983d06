/** Decides which letters and digits are the number of a bank account (ISO 13616): its country, its length, its check digits. */
import { findAll } from './find-all.ts'
import type { Find } from './kinds.ts'

/** Lengths by country, from the registry that SWIFT keeps for ISO 13616. */
const LENGTHS: ReadonlyMap<string, number> = new Map(
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
    .split(' ')
    .map((row) => [row.slice(0, 2), Number(row.slice(2))]),
)

const BEGINNING = /(?<![A-Za-z0-9])[A-Z]{2}[ -]?\d[ -]?\d(?=[ \u00a0-]?[A-Z0-9])/gi

export const findIbans: Find = (text) =>
  findAll(text, 'iban', BEGINNING, (found, at) => {
    const length = LENGTHS.get(found.slice(0, 2).toUpperCase())
    return length === undefined ? false : extent(text, at, length)
  })

const MAX_SEPARATORS = 12

/** How many characters from `at` on are an account number of that length with single separators; 0 when they are none. */
function extent(text: string, at: number, length: number): number {
  let read = ''
  let place = at
  for (const end = at + length + MAX_SEPARATORS; read.length < length && place < end; place++) {
    const char = text.charAt(place)
    if (/[A-Za-z0-9]/.test(char)) read += char.toUpperCase()
    else if (!/[ \u00a0-]/.test(char) || !/[A-Za-z0-9]/.test(text.charAt(place - 1))) return 0
  }
  const isWhole = read.length === length && !/[\p{L}\d]/u.test(text.charAt(place))
  return isWhole && isIban(read) ? place - at : 0
}

/** Check digits (ISO/IEC 7064, MOD 97-10). `text` is in capitals without separators. */
export function isIban(text: string): boolean {
  if (LENGTHS.get(text.slice(0, 2)) !== text.length) return false
  let rest = 0
  for (const char of text.slice(4) + text.slice(0, 4)) {
    const value = Number.parseInt(char, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest === 1
}
