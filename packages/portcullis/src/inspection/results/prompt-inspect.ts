/**
 * Decides whether a text has evidence that it speaks to the model: in its words, in what is encoded in it, and in what a person
 * who looks at it would not see. Hints only.
 */
import { candidatesOf, hasEscapedSpace, isAscii } from '../../core/gated-rules.ts'
import { evidence, type Sighting } from '../finding.ts'
import { foldLookAlikes } from '../views/look-alikes.ts'
import { hiddenTexts } from './hidden-text.ts'
import { PROMPT_RULES } from './prompt-rules.ts'
import { NOTHING_FOUND, type TextFindings, type TextInspect } from './result-text.ts'
import { inSlices, REACH } from './slices.ts'

const LEAST_LENGTH = 12
const MAX_SIGHTINGS = 8
const candidates = candidatesOf(PROMPT_RULES)
const SKIPPED: ReadonlySet<string> = new Set(['binary', 'name', 'address', 'ui'])

export const promptInspect: TextInspect = ({ text, kind }) => {
  if (text.length < LEAST_LENGTH || SKIPPED.has(kind)) return NOTHING_FOUND
  const found = new Map<string, Sighting>()
  const done = inSlices(text.length, (from, to) => look(text, from, to, found))
  const settle = (): TextFindings => (found.size === 0 ? NOTHING_FOUND : { sightings: [...found.values()] })
  return done === undefined ? settle() : done.then(settle)
}

function look(text: string, from: number, to: number, found: Map<string, Sighting>): void {
  const slice = text.slice(from, to + REACH)
  words(slice, undefined, found)
  for (const { how, text: hidden } of hiddenTexts(slice)) {
    const before = found.size
    words(hidden, how, found)
    // Nobody hides a sentence for nothing, where only a machine can see it.
    if (before === found.size && (how === 'tags' || how === 'selectors') && hidden.length >= LEAST_LENGTH)
      add(found, 'hidden-text', hidden, how)
  }
}

function words(text: string, view: string | undefined, found: Map<string, Sighting>): void {
  if (found.size >= MAX_SIGHTINGS) return
  // A text with nothing but letters of either case and white space to fold can be ruled out as it is.
  const isPlain = isAscii(text) && !hasEscapedSpace(text)
  const early = isPlain ? candidates(text) : undefined
  if (early?.length === 0) return
  const read = folded(text)
  for (const at of early ?? candidates(read)) {
    const { pattern, reason } = PROMPT_RULES[at] as (typeof PROMPT_RULES)[number]
    const match = pattern.exec(read)
    if (match !== null) return add(found, reason, match[0], view)
  }
}

function add(found: Map<string, Sighting>, reason: string, shown: string, view: string | undefined): void {
  const key = `${reason} ${view ?? ''}`
  if (found.has(key) || found.size >= MAX_SIGHTINGS) return
  const base = { family: 'prompt', weight: 'hint', reason: `prompt.${reason}`, evidence: evidence(shown) } as const
  found.set(key, view === undefined ? base : { ...base, view })
}

/** Lower case, one blank for white space and for what JSON writes instead; look-alikes of other scripts only where words mix scripts. */
function folded(text: string): string {
  const mixed = !isAscii(text) && MIXED_SCRIPTS.test(text) ? foldLookAlikes(text) : text
  const lower = mixed.toLowerCase()
  return UNEVEN.test(lower) ? lower.replace(/(?:\s|\\[nrt])+/g, ' ') : lower
}

/** White space that is more or other than one blank. */
const UNEVEN = /\s\s|[^\S ]|\\[nrt]/

/** A Latin letter beside one of another script, or a letter of full width: no honest word has both. */
const MIXED_SCRIPTS =
  /[a-z][\u0370-\u052f\uff21-\uff5a\u{1d400}-\u{1d7ff}]|[\u0370-\u052f\uff21-\uff5a\u{1d400}-\u{1d7ff}][a-z]|[\uff21-\uff5a]{3}|[\u{1d400}-\u{1d7ff}]{3}|[a-z][\u200b-\u200d\u2060\ufeff\u00ad][a-z]/iu
