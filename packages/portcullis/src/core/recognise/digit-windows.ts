/** Decides where in a text numbers can stand: around digits that are close to each other. Most of a text is none of that. */
import type { Find, Span } from './kinds.ts'
import { NOTHING } from './find-all.ts'

/** Characters between two digits of one number, its letters included. */
const GAP = 12
/** Letters before the first digit of a number, and what a pattern looks at before and behind. */
const BEFORE = 16
const AFTER = 8

/** Where digits that belong together begin and end, with what may belong to them on both sides. */
export function inDigitWindows(
  text: string,
  least: number,
  find: (window: string, from: number) => readonly Span[],
): readonly Span[] {
  let spans: Span[] | undefined
  let first = -1
  let last = -1
  let count = 0
  const close = (): void => {
    if (count < least) return
    const from = Math.max(0, first - BEFORE)
    for (const span of find(text.slice(from, last + 1 + AFTER), from))
      (spans ??= []).push({ ...span, start: span.start + from, end: span.end + from })
  }
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 48 || code > 57) continue
    if (last !== -1 && at - last > GAP + 1) {
      close()
      count = 0
    }
    if (count === 0) first = at
    last = at
    count++
  }
  close()
  return spans ?? NOTHING
}

/** A finder that looks only there. What stands before a window is at `from` in the whole text. */
export const windowed =
  (least: number, find: (window: string, from: number, whole: string) => readonly Span[]): Find =>
  (text) =>
    inDigitWindows(text, least, (window, from) => find(window, from, text))
