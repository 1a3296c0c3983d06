/**
 * Decides which of many patterns are worth trying on a text: those of which a literal can occur in it. One pass notes the pairs of
 * letters of a text, for all rules of all detectors; most literals are ruled out by a look at two or three of their pairs.
 */
import type { Weight } from './finding.ts'

/**
 * A pattern, and literals in lower case of which one occurs in whatever it matches. Patterns are bounded in what they repeat, so
 * that trying them is linear in the text.
 */
export interface GatedRule {
  readonly reason: string
  readonly signs: readonly string[]
  readonly pattern: RegExp
  /** Default `strong`. */
  readonly weight?: Weight
}

/** The first rule that matches and what it matched. */
export interface Match {
  readonly rule: GatedRule
  readonly found: string
  readonly at: number
}

/** The first match of a text. */
export type FirstMatch = (text: string) => Match | undefined

export function gated(rules: readonly GatedRule[]): FirstMatch {
  const signs = rules.map((rule) => rule.signs.map(pairsOf))
  return (text) => {
    note(text)
    for (const [at, rule] of rules.entries()) {
      if (!(signs[at] as readonly Pairs[]).some(mayOccur)) continue
      const match = rule.pattern.exec(text)
      if (match !== null) return { rule, found: match[0], at: match.index }
    }
    return undefined
  }
}

/** The pairs of a literal, as places in the notes. */
type Pairs = readonly number[]

const SHIFT = 7
const CODES = 1 << SHIFT
/** ASCII in lower case; all other characters share one code. */
const LOWER = Uint8Array.from({ length: CODES }, (_, code) => String.fromCharCode(code).toLowerCase().charCodeAt(0))
const OTHER = 0

/** Which pairs the text last noted has: those that bear its number. So nothing is ever cleared. */
const noted = new Uint32Array(CODES * CODES)
const notedAlone = new Uint32Array(CODES)
let number = 0
let lastText: string | undefined
const MAX_REMEMBERED_LENGTH = 65_536
/** Small enough for the engine's short integers. */
const MAX_NUMBER = 0x3fff_ffff

function note(text: string): void {
  if (lastText === text) return
  lastText = text.length > MAX_REMEMBERED_LENGTH ? undefined : text
  number = number === MAX_NUMBER ? 1 : number + 1
  const current = number
  let previous = codeOf(text.charCodeAt(0))
  notedAlone[previous] = current
  for (let at = 1; at < text.length; at++) {
    const code = codeOf(text.charCodeAt(at))
    notedAlone[code] = current
    noted[(previous << SHIFT) | code] = current
    previous = code
  }
}

const codeOf = (code: number): number => (code < CODES ? (LOWER[code] as number) : OTHER)

function pairsOf(sign: string): Pairs {
  const codes = Array.from(sign, (char) => codeOf(char.charCodeAt(0)))
  return codes.length === 1
    ? [-1 - (codes[0] as number)]
    : codes.slice(1).map((code, at) => (codes[at] as number) * CODES + code)
}

function mayOccur(pairs: Pairs): boolean {
  for (const pair of pairs) {
    if ((pair < 0 ? notedAlone[-1 - pair] : noted[pair]) !== number) return false
  }
  return true
}
