/** What a rule about credentials says, and how the usual ones are made. */
import type { Weight } from '../inspection-words.ts'
import { isFair, isGiven, isVaried } from './secret-checks.ts'

/** One form of a credential, or one context of it. */
export interface SecretRule {
  /** After `secret.`. */
  readonly reason: string
  /** Literals in lower case, of two characters or more. Whatever matches begins with one of them, or `before` characters before one. */
  readonly signs: readonly string[]
  /** Fewest and most characters between the beginning of a match and its sign; none when absent. */
  readonly before?: readonly [least: number, most: number]
  /** Its first letter is a capital, which rules out what most words have in common with it. */
  readonly isUpper?: true
  /** Global; the group `secret`, else the whole, is what is taken out. What stands before it is only looked back at. */
  readonly pattern: RegExp
  readonly weight: Weight
  readonly check?: (secret: string) => boolean
}

/** Behind what is written for one character, such as `\n` and `%3D`, something begins, too. */
const ESCAPE = String.raw`(?<=\\[nrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2})`
const START = `(?:(?<![A-Za-z0-9_])|${ESCAPE})`
/** Behind a literal that nobody writes by chance, the name of a variable may stand right before it. */
const LONG_START = `(?:(?<![A-Za-z0-9])|${ESCAPE})`
const END = String.raw`(?![A-Za-z0-9_-])`
/** Such a literal does not come by chance, so that what follows it need not look random: a long one, or one with a mark at its end. */
const TELLING = /^.{6,}$|^.{3,}[_.$-]$/

/** A prefix that begins with its signs, and a number of characters of an alphabet. */
export function token(
  reason: string,
  prefix: string,
  rest: string,
  signs: readonly string[],
  check?: SecretRule['check'],
): SecretRule {
  const isTelling = signs.every((sign) => TELLING.test(sign))
  const pattern = new RegExp((isTelling ? LONG_START : START) + prefix + rest + END, 'g')
  return { reason, signs, pattern, weight: 'strong', check: check ?? (isTelling ? isGiven : isVaried) }
}

/** A form whose literal stands in its middle, `before` characters behind its beginning. */
export function around(
  reason: string,
  source: string,
  signs: readonly string[],
  before: NonNullable<SecretRule['before']>,
): SecretRule {
  return { reason, signs, before, pattern: new RegExp(START + source + END, 'g'), weight: 'strong', check: isVaried }
}

/** Evidence: what is probable where it stands. The pattern begins with one of the signs. */
export const hint = (
  reason: string,
  signs: readonly string[],
  pattern: RegExp,
  check: SecretRule['check'] = isFair,
): SecretRule => ({ reason, signs, pattern, weight: 'hint', check })

/** A form that needs no check. */
export const form = (
  reason: string,
  signs: readonly string[],
  pattern: RegExp,
  weight: Weight = 'strong',
): SecretRule => ({ reason, signs, pattern, weight })
