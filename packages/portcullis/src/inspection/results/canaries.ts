/**
 * Decides whether a text holds one of the configured strings that must never pass: planted ones that nobody has a reason to
 * repeat, or secrets of the house. Each is looked for as it is, in the usual encodings, and in what a text decodes to.
 */
import type { Inspect, Sighting } from '../finding.ts'
import { views } from '../views/views.ts'

export const LEAST_CANARY_LENGTH = 8
const MAX_VIEWED_LENGTH = 61_440

/** `canaries` are at least eight characters long; throws RangeError for a shorter one. Its evidence never quotes any. */
export function canaryInspect(canaries: readonly string[]): Inspect {
  const known = canaries.map(formsOf)
  if (known.length === 0) return () => NOTHING
  return (text) => {
    const direct = firstIn(text, known)
    if (direct !== undefined) return [found(direct)]
    for (let from = 0; from < text.length; from += MAX_VIEWED_LENGTH) {
      const slice = text.slice(from, from + MAX_VIEWED_LENGTH + OVERLAP)
      for (const view of views(slice).slice(1)) {
        const hidden = firstIn(view.text, known)
        if (hidden !== undefined) return [{ ...found(hidden), view: view.name }]
      }
    }
    return NOTHING
  }
}

const NOTHING: readonly Sighting[] = []
const OVERLAP = 4_096

interface Forms {
  /** Compared with the text in lower case, blanks left out. */
  readonly folded: readonly string[]
  /** Compared with the text as it is. */
  readonly exact: readonly string[]
}

function formsOf(canary: string): Forms {
  if (canary.length < LEAST_CANARY_LENGTH) throw new RangeError('a canary is shorter than eight characters')
  const bytes = Buffer.from(canary, 'utf8')
  const base64 = [0, 1, 2].map((shift) => aligned(bytes, shift))
  const reversed = Array.from(canary).toReversed().join('')
  return {
    folded: [canary, bytes.toString('hex'), encodeURIComponent(canary), reversed].map(fold),
    exact: [...base64, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))],
  }
}

/** Base64 of the bytes where they begin at this place of three, without the characters in which neighbours have a share. */
function aligned(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  const start = shift === 0 ? 0 : shift + 1
  const isWhole = (bytes.length + shift) % 3 === 0
  return text.slice(start, isWhole ? undefined : -1)
}

/** Blanks, and what stands between letters that are spelled out. */
const fold = (text: string): string => text.toLowerCase().replace(/[\s\u200b-\u200d\u2060\ufeff\u00ad]+/g, '')

function firstIn(text: string, known: readonly Forms[]): number | undefined {
  const folded = fold(text)
  const index = known.findIndex(
    (forms) => forms.folded.some((form) => folded.includes(form)) || forms.exact.some((form) => text.includes(form)),
  )
  return index < 0 ? undefined : index
}

const found = (index: number): Sighting => ({
  family: 'secret',
  weight: 'breach',
  reason: 'secret.canary',
  evidence: `canary ${index + 1}`,
  says: 'holds something that must not pass',
})
