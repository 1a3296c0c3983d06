/** Which characters a reader cannot see, and how they are shown all the same. */

/**
 * Controls, format characters (zero-width, bidirectional, tags), unassigned and private ones, line and paragraph
 * separators, variation selectors, and the letters that are drawn as nothing (Hangul fillers, blank Braille).
 */
const HIDDEN = new RegExp(
  [
    String.raw`[\p{C}\p{Zl}\p{Zp}\u{34f}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}-\u{180f}\u{2800}\u{3164}`,
    String.raw`\u{fe00}-\u{fe0f}\u{ffa0}\u{e0100}-\u{e01ef}]`,
  ].join(''),
  'gu',
)

/** JSON text of a value in which everything is visible: what JSON leaves as it is, but nobody sees, is escaped. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replace(HIDDEN, escaped)
}

/** A name or a sentence for a terminal or a log, with what is hidden escaped. */
export const visibleText = (text: string): string => visibleJson(text).slice(1, -1).replaceAll('\\"', '"')

function escaped(char: string): string {
  let text = ''
  for (let at = 0; at < char.length; at++) text += `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`
  return text
}
