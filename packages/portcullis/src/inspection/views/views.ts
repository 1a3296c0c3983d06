/**
 * Decides what a value can turn into on its way: the forms in which a detector has to look at it, because one decoding
 * anywhere behind us turns `%27` into a quote.
 *
 * A round undoes each encoding once, in the order in which decoders usually stand behind each other; the next round starts from
 * its outcome. So three layers of one encoding, and more of different ones, are seen in four views at most.
 */
import type { Inspect, Sighting } from '../finding.ts'
import { decodeTokens, mayHoldTokens } from './encoded-tokens.ts'
import { decodeEntities } from './entities.ts'
import { decodeEscapes } from './escapes.ts'
import { foldLookAlikes } from './look-alikes.ts'
import { decodePercent, decodePlus } from './percent.ts'

/** One reading of a value. `name` says which decoders changed something: `percent+entities > escapes`; `raw` for none. */
export interface View {
  readonly name: string
  readonly text: string
}

const MAX_ROUNDS = 3
/** Characters that all views beside the raw one may have in sum. Small values have some to spare. */
const MAX_GROWTH = 2
const SPARE_CHARACTERS = 8192

const DECODERS = [
  ['plus', decodePlus],
  ['percent', decodePercent],
  ['entities', decodeEntities],
  ['escapes', decodeEscapes],
  ['tokens', decodeTokens],
  ['look-alikes', foldLookAlikes],
] as const satisfies readonly (readonly [name: string, decode: (text: string) => string])[]

/** The value itself first, then what its rounds of decoding give; at most four, bounded in their sum, no two alike. */
export function views(value: string): readonly View[] {
  if (lastViews !== undefined && lastViews[0]?.text === value) return lastViews
  const found = isPlain(value) ? [{ name: 'raw', text: value }] : decodedViews(value)
  lastViews = value.length > MAX_REMEMBERED_LENGTH ? undefined : found
  return found
}

/** Several detectors look at one value after the other; the last value's views are kept for them. */
let lastViews: readonly View[] | undefined
const MAX_REMEMBERED_LENGTH = 262_144

function decodedViews(value: string): readonly View[] {
  const found: View[] = [{ name: 'raw', text: value }]
  let room = Math.max(value.length * MAX_GROWTH, SPARE_CHARACTERS)
  let path = ''
  let text = value
  for (let round = 0; round < MAX_ROUNDS && room > 0; round++) {
    const { decoded, names } = decodeOnce(text)
    if (names === '') break
    text = decoded.slice(0, room)
    room -= text.length
    path = path === '' ? names : `${path} > ${names}`
    found.push({ name: path, text })
    if (isPlain(text)) break
  }
  return found
}

function decodeOnce(text: string): { readonly decoded: string; readonly names: string } {
  let decoded = text
  let names = ''
  for (const [name, decode] of DECODERS) {
    const next = decode(decoded)
    if (next === decoded) continue
    decoded = next
    names = names === '' ? name : `${names}+${name}`
  }
  return { decoded, names }
}

/** Whether no decoder can find anything. Searches for single characters cost a tenth of a regular expression. */
const isPlain = (text: string): boolean =>
  !text.includes('%') &&
  !text.includes('&') &&
  !text.includes('\\') &&
  !text.includes('\u0000') &&
  Buffer.byteLength(text) === text.length &&
  !(text.includes('+') && !text.includes(' ')) &&
  !mayHoldTokens(text)

/** Applies a detector to every view, names the view in what it saw, and stops after the first view with a strong sighting. */
export function inViews(inspect: Inspect): Inspect {
  return (value) => {
    let seen: Sighting[] | undefined
    for (const { name, text } of views(value)) {
      const sightings = inspect(text)
      if (sightings.length === 0) continue
      seen ??= []
      for (const sighting of sightings) seen.push(name === 'raw' ? sighting : { ...sighting, view: name })
      if (sightings.some(({ weight }) => weight !== 'hint')) break
    }
    return seen ?? NOTHING
  }
}

const NOTHING: readonly Sighting[] = []
