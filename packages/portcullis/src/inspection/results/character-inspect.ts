/** Decides about characters in a text that nobody sees, and orders to a terminal: they are taken out, the words stay. */
import { invisibleCharacters } from '../characters/characters.ts'
import { maskText } from '../mask-text.ts'
import { NOTHING_FOUND, type TextFindings, type TextInspect } from './result-text.ts'
import { inSlices } from './slices.ts'
import type { Sighting } from '../finding.ts'

const CHARACTERS = new Set(['characters'] as const)
/** Structured content is for programs, and bytes are none of ours. */
const SKIPPED: ReadonlySet<string> = new Set(['binary', 'name', 'data', 'address'])
const CONTEXT = 32

export const characterInspect: TextInspect = ({ text, kind }) => {
  if (SKIPPED.has(kind)) return NOTHING_FOUND
  const found = new Map<string, Sighting>()
  const done = inSlices(text.length, (from, to) => {
    const start = Math.max(0, from - CONTEXT)
    for (const sighting of invisibleCharacters(start === 0 && to === text.length ? text : text.slice(start, to)))
      if (!found.has(sighting.reason)) found.set(sighting.reason, sighting)
  })
  const settle = (): TextFindings =>
    found.size === 0 ? NOTHING_FOUND : { sightings: [...found.values()], clean: () => maskText(text, CHARACTERS) }
  return done === undefined ? settle() : done.then(settle)
}
