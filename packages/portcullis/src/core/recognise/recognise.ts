/** Decides what in a text is sensitive. One pass over its characters rules out most finders before any of them runs. */
import { findCards } from './card.ts'
import { findEmails } from './email.ts'
import { fold } from './fold.ts'
import { findIbans } from './iban.ts'
import { findIps } from './ip.ts'
import type { Find, SensitiveKind, Span } from './kinds.ts'
import { findNationalIds } from './national-id.ts'
import { findPhones } from './phone.ts'
import { findSecrets } from './secrets.ts'

interface Finder {
  readonly kind: SensitiveKind
  readonly find: Find
  /** Digits that the shortest of its kind has. */
  readonly digits: number
  readonly needsAt?: true
  readonly needsPoint?: true
}

/** The first one keeps a part that two of them claim. */
const FINDERS: readonly Finder[] = [
  { kind: 'secret', find: findSecrets, digits: 0 },
  { kind: 'card', find: findCards, digits: 13 },
  { kind: 'iban', find: findIbans, digits: 4 },
  { kind: 'national-id', find: findNationalIds, digits: 4 },
  { kind: 'email', find: findEmails, digits: 0, needsAt: true },
  { kind: 'phone', find: findPhones, digits: 7 },
  { kind: 'ip', find: findIps, digits: 2, needsPoint: true },
]

/** Kinds that have a form of their own. */
export const RECOGNISED: ReadonlySet<SensitiveKind> = new Set(FINDERS.map(({ kind }) => kind))

/** Shorter texts hold nothing. */
const LEAST_LENGTH = 6

/** Finds what is of some kinds; made once for each set of them. */
export class Recogniser {
  readonly #finders: readonly Finder[]

  constructor(kinds: ReadonlySet<SensitiveKind>) {
    this.#finders = FINDERS.filter(({ kind }) => kinds.has(kind))
  }

  /** In their order, none overlapping another. Linear in the text. */
  find(text: string): readonly Span[] {
    return settled(this.raw(text))
  }

  /** As they were found, by kind and then by place; they may overlap. */
  raw(text: string): readonly Span[] {
    if (text.length < LEAST_LENGTH || this.#finders.length === 0) return NONE
    const { text: read, placeOf } = fold(text)
    look(read)
    let spans: Span[] | undefined
    for (const finder of this.#finders) {
      if (digits < finder.digits || (finder.needsAt && !at) || (finder.needsPoint && !point)) continue
      for (const { start, end, kind } of finder.find(read))
        (spans ??= []).push({ start: wholeFrom(text, placeOf(start)), end: placeOf(end - 1) + 1, kind })
    }
    return spans ?? NONE
  }
}

/** Not in the middle of a character of two units. */
const wholeFrom = (text: string, at: number): number => (/[\udc00-\udfff]/.test(text.charAt(at)) ? at - 1 : at)

const NONE: readonly Span[] = []

let digits = 0
let at = false
let point = false

/** Notes which characters there are. `%40` is an `@` too. */
function look(text: string): void {
  digits = 0
  at = false
  point = false
  for (let place = 0; place < text.length; place++) {
    const code = text.charCodeAt(place)
    if (code > 64) continue
    if (code === 64) at = true
    else if (code >= 48 && code <= 57) digits++
    else if (code === 46 || code === 58) point = true
    else if (code === 37) at = true
  }
}

/** What `raw` found, without overlaps: parts that touch become one, of the kind of the first in the table. */
export function settled(raw: readonly Span[]): readonly Span[] {
  if (raw.length < 2) return raw
  const rank = new Map(FINDERS.map(({ kind }, place) => [kind, place]))
  const sorted = raw.toSorted(
    (one, other) =>
      (rank.get(one.kind) as number) - (rank.get(other.kind) as number) ||
      one.start - other.start ||
      other.end - one.end,
  )
  const byPlace = sorted.map((span, order) => ({ ...span, order })).toSorted((one, other) => one.start - other.start)
  return kept(byPlace)
}

interface Ordered extends Span {
  readonly order: number
}

/** Nothing of two that touch is left over at their edges. */
function kept(byPlace: readonly Ordered[]): readonly Span[] {
  const spans: Ordered[] = []
  for (const span of byPlace) {
    const last = spans.at(-1)
    if (last === undefined || span.start >= last.end) spans.push(span)
    else {
      const first = last.order <= span.order ? last : span
      spans[spans.length - 1] = { ...first, start: last.start, end: Math.max(last.end, span.end) }
    }
  }
  return spans.map(({ start, end, kind }) => ({ start, end, kind }))
}
