/**
 * Decides which parts of a text are code, which a renderer of markdown shows as it is: fenced blocks that begin and end at the
 * very margin (CommonMark 0.31, "Fenced code blocks"). Where renderers could differ, a text is no code.
 */

/** `from` to `to`, in order; empty when the text has no fence. */
export type Ranges = readonly (readonly [from: number, to: number])[]

const FENCE = /^(`{3,}|~{3,})([^\n]*)$/gm
/** A line that begins with a tag may open a block of HTML, inside of which fences are no fences. */
const HTML_LINE = /^ {0,3}</m
const NONE: Ranges = []

export function codeRanges(text: string): Ranges {
  if (!text.includes('```') && !text.includes('~~~')) return NONE
  const ranges: (readonly [number, number])[] = []
  let open: { readonly mark: string; readonly at: number } | undefined
  let seen = 0
  for (const match of text.matchAll(FENCE)) {
    const [line, mark = '', info = ''] = match
    if (open === undefined) {
      if (mark.startsWith('`') && info.includes('`')) continue
      if (HTML_LINE.test(text.slice(seen, match.index))) break
      open = { mark, at: match.index }
    } else if (info.trim() === '' && mark.startsWith(open.mark)) {
      ranges.push([open.at, match.index])
      open = undefined
      seen = match.index + line.length
    }
  }
  return ranges
}

/** Tells for growing positions whether they are inside. */
export function inside(ranges: Ranges): (at: number) => boolean {
  let next = 0
  return (at) => {
    while (next < ranges.length && (ranges[next] as readonly [number, number])[1] <= at) next++
    const range = ranges[next]
    return range !== undefined && range[0] <= at
  }
}

const MIN_LINES = 8
const MAX_LINES_READ = 200
const LIKE_CODE =
  /[;{}(,]\s*$|^\s*(?:\)|\}|\]|\/\/|\/?\*|#include|import |from |export |const |let |var |def |class |func |fn |pub |package |use |return\b|@\w)/

/**
 * Whether a text is the source of a program as a whole: its lines end and begin as those of no prose do. Lines of markup count
 * for nothing, and a few lines of code make no program.
 */
export function looksLikeSource(text: string): boolean {
  const start = text.trimStart()
  if (start.startsWith('{') || start.startsWith('[')) return false
  const lines = text
    .slice(0, 16_384)
    .split('\n', MAX_LINES_READ)
    .filter((line) => line.trim() !== '' && !/^\s*</.test(line))
  if (lines.length < MIN_LINES) return false
  return lines.filter((line) => LIKE_CODE.test(line)).length >= lines.length * 0.6
}
