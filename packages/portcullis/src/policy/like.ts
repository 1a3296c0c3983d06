/** Cedar's `like`: literal pieces with `*` for anything between them, matched without backtracking. */
import type { PatternElem } from '@cedar-policy/cedar-wasm/nodejs'

/** A predicate in time linear in the text for each piece; no regular expression, so no pattern can make it slow. */
export function compilePattern(elements: readonly PatternElem[]): (text: string) => boolean {
  const pieces = ['']
  for (const element of elements) {
    if (element === 'Wildcard') pieces.push('')
    else pieces[pieces.length - 1] += element.Literal
  }
  if (pieces.length === 1) return (text) => text === pieces[0]
  const first = pieces[0] as string
  const last = pieces[pieces.length - 1] as string
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '')
  return (text) => {
    if (!text.startsWith(first)) return false
    let at = first.length
    for (const piece of middle) {
      const found = text.indexOf(piece, at)
      if (found < 0) return false
      at = found + piece.length
    }
    return text.length - last.length >= at && text.endsWith(last)
  }
}
