/** Evidence that a definition was written to steer a model: what its texts say, and what they hide. */
import { invisibleCharacters } from '../characters/characters.ts'
import { evidence, type Finding } from '../finding.ts'
import { foldLookAlikes } from '../views/look-alikes.ts'
import type { Fields } from './fields.ts'
import type { Item } from './item.ts'
import { POISON_RULES } from './poison-rules.ts'

/** Beyond this a text is more than anybody reads before approving it. */
const MAX_PLAIN_LENGTH = 10_000
/** Only so much of one text is looked at; that it is longer is a finding of its own. */
const MAX_READ_LENGTH = 65_536
/** A word so long of the alphabet of base64, with capitals, small letters and digits, is no word. */
const BLOB = /[A-Za-z0-9+/]{64,}={0,2}/
const EMBEDDED = /!\[[^\]]{0,200}\]\((?:https?:|data:)|data:[a-z]+\/[a-z0-9.+-]+;base64,|<img\b/i

/** All findings are hints: they stand beside the difference that a person decides about. In the order of the fields. */
export function suspicions(item: Item): readonly Finding[] {
  const found: Finding[] = textFindings('', item.name)
  for (const [at, text] of texts(item.fields)) found.push(...textFindings(at, text))
  return found
}

/** Every string, names of members included, with the path of the field. */
function* texts(fields: Fields): Generator<readonly [at: string, text: string]> {
  for (const [at, value] of [...fields].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    // A name of a parameter is read like every other text.
    if (isRemarkable(at)) yield [at, at]
    if (typeof value === 'string') yield [at, value]
    else if (Array.isArray(value)) for (const each of value) if (typeof each === 'string') yield [at, each]
  }
}

function textFindings(at: string, text: string): Finding[] {
  const found: Finding[] = []
  const add = (reason: string, shown: string) =>
    found.push({ family: 'definition', weight: 'hint', reason: `definition.${reason}`, at, evidence: evidence(shown) })
  for (const { reason, evidence: shown } of invisibleCharacters(text))
    found.push({
      family: 'definition',
      weight: 'hint',
      reason: reason.replace('characters.', 'definition.'),
      at,
      evidence: shown,
    })
  if (text.length > MAX_PLAIN_LENGTH) add('too-long', `${text.length} characters`)
  // What is shorter than the shortest sentence of an order needs no reading.
  if (text.length < 12) return found
  const blob = BLOB.exec(text.slice(0, MAX_READ_LENGTH))?.[0]
  if (blob !== undefined && isMixed(blob)) add('encoded', blob)
  const embedded = EMBEDDED.exec(text.slice(0, MAX_READ_LENGTH))
  if (embedded !== null) add('embeds', around(text, embedded.index))
  const folded = fold(text)
  for (const { reason, patterns } of POISON_RULES) {
    const hit = firstHit(folded, patterns)
    if (hit !== undefined) add(reason, around(folded, hit))
  }
  return found
}

function firstHit(text: string, patterns: readonly RegExp[]): number | undefined {
  for (const pattern of patterns) {
    const hit = pattern.exec(text)
    if (hit !== null) return hit.index
  }
  return undefined
}

const fold = (text: string): string => foldLookAlikes(text.slice(0, MAX_READ_LENGTH)).toLowerCase().replace(/\s+/g, ' ')

/** Most paths are plain words. */
const isRemarkable = (path: string): boolean => /[^\x20-\x7e]/.test(path) || path.split(' ').length > 4

const around = (text: string, at: number): string => text.slice(Math.max(0, at - 20), at + 100)

/** A path has many slashes, a word one kind of letters. */
const isMixed = (blob: string): boolean =>
  /[a-z]/.test(blob) && /[A-Z]/.test(blob) && /\d/.test(blob) && blob.split('/').length < blob.length / 16
