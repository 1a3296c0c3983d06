/** Decides which characters of a text are credentials, by the maintained table of their forms. */
import { candidatesOf } from '../gated-rules.ts'
import { NOTHING } from './find-all.ts'
import type { Find, Span } from './kinds.ts'
import { CONTEXT_RULES, CONTEXT_SIGN } from './context-rules.ts'
import type { SecretRule } from './secret-rule.ts'
import { FORMS, SECRET_RULES } from './secret-rules.ts'

const LEAST_LENGTH = 12
/** In longer texts most pairs of letters occur, so that pairs rule out little; they are ruled out piece by piece. */
const PIECE = 2_048
/** A sign stands at most so far behind the beginning of what it is a sign of; a sign may begin in one piece and end in the next. */
const SIGN_AT = 96
const SIGN_LENGTH = 32
/** Of a match this much shows that it is one; a token of three parts shows it with its second dot. */
const SHOWN = 640
const SHOWN_OF_JWT = 7_680

interface Placed {
  readonly signs: readonly string[]
  /** With places of groups, which only what matched pays for. */
  readonly pattern: RegExp
  readonly check: SecretRule['check']
  readonly shown: number
}

const PLACED: readonly Placed[] = SECRET_RULES.map(({ reason, signs, pattern, check }) => ({
  signs,
  pattern: new RegExp(pattern.source, `${pattern.flags}d`),
  check,
  shown: reason === 'jwt' ? SHOWN_OF_JWT : SHOWN,
}))
const ofForms = candidatesOf(FORMS)
const ofContexts = candidatesOf(CONTEXT_RULES)

/** The rules of which a sign occurs, by their places in the table. */
function candidates(text: string): readonly number[] {
  const forms = ofForms(text)
  const contexts = CONTEXT_SIGN.test(text) ? ofContexts(text) : NO_RULES
  if (forms.length + contexts.length === 0) return NO_RULES
  const lower = text.toLowerCase()
  return [...forms, ...contexts.map((at) => at + FORMS.length)].filter((at) =>
    (PLACED[at] as Placed).signs.some((sign) => lower.includes(sign)),
  )
}

const NO_RULES: readonly number[] = []

export const findSecrets: Find = (text) => {
  if (text.length < LEAST_LENGTH) return NOTHING
  const spans: Span[] = []
  if (text.length <= PIECE) {
    for (const at of candidates(text)) matches(text, PLACED[at] as Placed, 0, text.length, spans)
  } else {
    for (const [at, pieces] of piecesOf(text)) inPieces(text, PLACED[at] as Placed, pieces, spans)
  }
  return spans.length < 2 ? spans : spans.toSorted((one, other) => one.start - other.start)
}

/** Beginnings of the pieces in which each rule may match, by its place in the table. */
function piecesOf(text: string): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, number[]>()
  for (let from = 0; from < text.length; from += PIECE) {
    for (const at of candidates(text.slice(from, from + PIECE + SIGN_LENGTH))) {
      const known = found.get(at)
      if (known === undefined) found.set(at, [from])
      else known.push(from)
    }
  }
  return found
}

function inPieces(text: string, placed: Placed, pieces: readonly number[], spans: Span[]): void {
  let done = 0
  for (let at = 0; at < pieces.length; at++) {
    const from = Math.max(done, (pieces[at] as number) - SIGN_AT)
    while (pieces[at + 1] === (pieces[at] as number) + PIECE) at++
    done = Math.max(from, matches(text, placed, from, (pieces[at] as number) + PIECE, spans))
  }
}

/** Matches that begin in a range. Returns where the last one ends, or the range. */
function matches(text: string, placed: Placed, from: number, to: number, spans: Span[]): number {
  const { pattern, check, shown } = placed
  // What stands before the range is seen, and what lies far behind it is not searched.
  const offset = Math.max(0, from - 4)
  const seen = offset === 0 && to >= text.length ? text : text.slice(offset, to + shown)
  let done = to
  pattern.lastIndex = from - offset
  for (let match = pattern.exec(seen); match !== null; match = pattern.exec(seen)) {
    const start = match.index + offset
    if (start >= to) break
    const isAtEdge = seen !== text && match.index + match[0].length + 4 >= seen.length
    const next = spanOf(text, isAtEdge ? whole(text, pattern, start) : match, isAtEdge ? 0 : offset, check)
    if (next !== undefined) spans.push(next)
    pattern.lastIndex = next === undefined ? match.index + 1 : next.end - offset
    done = Math.max(done, next?.end ?? 0)
  }
  return done
}

/** The match at a place, with all of the text behind it. */
function whole(text: string, pattern: RegExp, start: number): RegExpExecArray | null {
  pattern.lastIndex = start
  const match = pattern.exec(text.slice(0, start + LONGEST))
  return match?.index === start ? match : null
}

const LONGEST = 16_896

function spanOf(
  text: string,
  match: RegExpExecArray | null,
  offset: number,
  check: SecretRule['check'],
): Span | undefined {
  if (match === null) return undefined
  const [first, last] = match.indices?.groups?.['secret'] ?? [match.index, match.index + match[0].length]
  const [start, end] = [first + offset, last + offset]
  return check === undefined || check(text.slice(start, end)) ? { start, end, kind: 'secret' } : undefined
}
