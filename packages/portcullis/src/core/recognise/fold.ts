/** Decides how a text is read by who looks for numbers and addresses: full-width characters as plain ones, unseen ones not at all. */

/** A text as it is read, and which characters of the one that is there its characters are. */
export interface Folded {
  readonly text: string
  /** Place in the text that is there. */
  readonly placeOf: (at: number) => number
}

const WIDE = /[\uff01-\uff5e]/g
const UNSEEN = /[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]/
const ODD = /[\u00ad\u200b-\u200f\u2060-\u2064\ufeff\uff01-\uff5e]/

const same = (at: number): number => at

/** Costs one look at texts without such characters. */
export function fold(text: string): Folded {
  if (!ODD.test(text)) return { text, placeOf: same }
  const narrow = text.replace(WIDE, (char) => String.fromCharCode(char.charCodeAt(0) - 0xfee0))
  if (!UNSEEN.test(narrow)) return { text: narrow, placeOf: same }
  const places: number[] = []
  let read = ''
  for (let at = 0; at < narrow.length; at++) {
    if (UNSEEN.test(narrow.charAt(at))) continue
    places.push(at)
    read += narrow.charAt(at)
  }
  return { text: read, placeOf: (at) => places[at] ?? narrow.length }
}
