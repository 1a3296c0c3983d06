/**
 * Decides which parts of a longer text are values of their own, as programs read them: short lines, cells of a table, values of JSON
 * and of attributes. What is anchored to the ends of a value is found there too.
 */

const LEAST_LENGTH = 3
const MAX_VALUES = 32
/** A line that is longer is a paragraph. */
const MAX_LINE_LENGTH = 120
/** Text in double quotes where a value stands, a quote in it doubled or escaped. */
const CELL = /(?<=(?:^|[:=,;[({\n\t])\s?)"((?:[^"\\\n]|""|\\.){3,200})"(?=\s*(?:$|[,;}\])/>?\n\r\t]))/g

/** Between quotes; the text itself is none. Bounded in number and length, and linear. */
export function* cellsWithin(text: string): Generator<string> {
  if (!text.includes('"')) return
  let count = 0
  for (const [, body = ''] of text.matchAll(CELL)) {
    if (++count > MAX_VALUES) return
    yield body.replaceAll('""', '"').replaceAll('\\"', '"')
  }
}

/** Lines of a text that has several, without blanks around them. Bounded likewise. */
export function* linesWithin(text: string): Generator<string> {
  let count = 0
  for (let from = 0, to = text.indexOf('\n'); from < text.length && (to >= 0 || from > 0); ) {
    const end = to < 0 ? text.length : to
    if (end - from >= LEAST_LENGTH && end - from <= MAX_LINE_LENGTH) {
      const line = text.slice(from, end).trim()
      if (line.length >= LEAST_LENGTH) {
        if (++count > MAX_VALUES) return
        yield line
      }
    }
    from = end + 1
    to = text.indexOf('\n', from)
  }
}
