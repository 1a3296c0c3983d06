/** Decides everything about a text that is displayed as markdown, slice by slice: its links, images, and the tags in it. */
import { hasOneOf, placesOf } from '../../core/gated-rules.ts'
import { evidence, type Sighting, type Weight } from '../finding.ts'
import { applyEdits, type Edit } from './edit.ts'
import { linkEdits } from './link-edits.ts'
import { codeRanges, inside, looksLikeSource } from './markdown-code.ts'
import { NOTHING_FOUND, type TextFindings } from './result-text.ts'
import { inSlices } from './slices.ts'
import { tagEdits } from './tag-edits.ts'

/** Without any of these there is neither a link nor a tag. */
const SIGN = /[<[]|:\/\/|\\u003c|[\s("'<]\/\//i
/** One of these is in whatever SIGN matches, and in hardly any prose. */
const SIGN_PLACES = placesOf('<[/\\')
const MAX_SIGHTINGS = 8
const MAX_EDITS = 100_000

/** A promise for a text that is longer than a slice. */
export function markdownFindings(text: string): TextFindings | Promise<TextFindings> {
  if (!hasOneOf(text, SIGN_PLACES) || !SIGN.test(text)) return NOTHING_FOUND
  const ranges = codeRanges(text)
  const source = looksLikeSource(text)
  const edits: Edit[] = []
  let isTooMuch = false
  const done = inSlices(text.length, (from, to) => {
    if (isTooMuch && edits.some(isTold)) return
    for (const found of [linkEdits, tagEdits])
      for (const edit of found(text, from, to, inside(ranges)))
        if (edits.length < MAX_EDITS || (isTold(edit) && edits.length < 2 * MAX_EDITS)) edits.push(edit)
        else isTooMuch = true
  })
  const settle = () => concluded(text, source ? edits.map(asCode) : edits, isTooMuch)
  return done === undefined ? settle() : done.then(settle)
}

const isTold = ({ weight }: Edit): boolean => weight !== 'silent'

/** In the source of a program a tag is what the program is about. */
const asCode = (edit: Edit): Edit => (edit.weight === 'strong' ? { ...edit, weight: 'hint', reason: 'code' } : edit)

function concluded(text: string, edits: readonly Edit[], isTooMuch: boolean): TextFindings {
  const told = new Map<string, Sighting>()
  for (const { reason, weight, at } of edits) {
    if (reason === undefined || weight === 'silent' || told.size >= MAX_SIGHTINGS) continue
    const key = `${reason} ${weight}`
    if (!told.has(key)) told.set(key, sighting(reason, weight, text.slice(at, at + 120)))
  }
  if (told.size === 0) return NOTHING_FOUND
  // Whoever writes so many tags is not read in part.
  if (isTooMuch)
    return { sightings: [...told.values(), sighting('too-many', 'strong', `${edits.length} tags and links`)] }
  return { sightings: [...told.values()], clean: (weights) => applyEdits(text, edits, weights) }
}

const sighting = (reason: string, weight: Weight, shown: string): Sighting => ({
  family: 'markup',
  weight,
  reason: `markup.${reason}`,
  evidence: evidence(shown),
})
