/**
 * Decides, in one pass over its characters, that a string has nothing in it which any detector of injections looks for.
 * Most arguments are such strings, and nothing else is done about them.
 */

/**
 * Letters, digits and the punctuation of names, dates and sentences, in words that are too short to be an encoding of
 * anything. The two classes share no character, so there is nothing to try twice.
 */
const PLAIN = /^(?:[A-Za-z0-9_-]{0,15}[ .,])*[A-Za-z0-9_-]{0,15}$/

/** What such characters alone can still be: a step up, a comment, an option. */
const SIGNS = ['..', '--', ' -'] as const

/** SQL that needs no sign has a number to compare, or reads from somewhere. */
const NUMBER_OR_READING = /\d|union|select/i
const SQL_WORD =
  /\b(?:or|and|xor|union|select|having|like|rlike|between|limit|order by|group by|into|drop|insert|delete|exec|sleep|waitfor|benchmark|null|div|mod)\b/i

/** One word in which digits or capitals stand: what is short and encoded looks like this. */
const TOKEN = /^[A-Za-z0-9_-]+[A-Z0-9][A-Za-z0-9_-]*$/
const LEAST_TOKEN_LENGTH = 6
const LETTER = /[A-Za-z]/

/** A name of a language (`java.lang.Runtime`), and a command that needs no sign because its first word takes another. */
const DOTTED_NAME = /[A-Za-z]\.[A-Za-z]/
const WRAPPER = /^ *(?:if|time|timeout|nohup|nice|strace|ltrace|sudo|doas|env|exec|eval|xargs|watch|busybox|setsid) /i

/** False when in doubt; the detectors decide then. */
export function hasNothing(text: string): boolean {
  if (!PLAIN.test(text) || text.startsWith('-')) return false
  if (DOTTED_NAME.test(text) || WRAPPER.test(text)) return false
  if (SIGNS.some((sign) => text.includes(sign))) return false
  if (text.length >= LEAST_TOKEN_LENGTH && TOKEN.test(text) && LETTER.test(text)) return false
  return !NUMBER_OR_READING.test(text) || !SQL_WORD.test(text)
}
