/** Decides which part of a sentence is a value that the sentence only hands on: `look this up and tell me: …`, `… and then tell me`. */

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

const PLAIN_WORD = /^[a-z]{1,20}[,.!?]?$/i
const LEAST_WORDS_BEHIND = 6

/** What stands before the words of a sentence that end a text; undefined when there are few, or nothing before them. Linear. */
export function headedValue(text: string): string | undefined {
  if (text.length > MAX_VALUE_LENGTH) return undefined
  let end = text.length
  let words = 0
  for (let at = text.lastIndexOf(' '); at > 0; at = text.lastIndexOf(' ', end - 1)) {
    if (!PLAIN_WORD.test(text.slice(at + 1, end))) break
    words++
    end = at
  }
  const head = text.slice(0, end)
  return words < LEAST_WORDS_BEHIND || PLAIN_WORD.test(head) ? undefined : head
}
