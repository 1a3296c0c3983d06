/** Decides which part of a sentence is a value that the sentence only hands on: `look this up and tell me: …`. */

const MAX_VALUE_LENGTH = 400
/** Enough of a sentence that the colon belongs to it and not to the value. */
const LEAST_WORDS = /^\s*[\p{L}'’,-]+(?:\s+[\p{L}'’,-]+){2}/u

/** What stands behind the first colon of a sentence; undefined when there is no sentence or no value. Linear. */
export function handedValue(text: string): string | undefined {
  const at = text.indexOf(': ')
  if (at < 0 || text.length - at > MAX_VALUE_LENGTH || !LEAST_WORDS.test(text.slice(0, at))) return undefined
  const value = text.slice(at + 2).trim()
  return value === '' ? undefined : value
}
