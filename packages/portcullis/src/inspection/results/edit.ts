/** A change of a text that takes the life out of one thing in it and leaves its words. */
import type { Weight } from '../finding.ts'

export interface Edit {
  readonly at: number
  readonly length: number
  readonly insert: string
  /** `silent` is no finding; it is done when anything of the text is changed at all. */
  readonly weight: Weight | 'silent'
  /** After `markup.`; absent when silent. */
  readonly reason?: string
}

/** Applies the edits of these weights, and the silent ones; of two that overlap the first. */
export function applyEdits(text: string, edits: readonly Edit[], weights: ReadonlySet<Weight>): string {
  const parts: string[] = []
  let done = 0
  for (const { at, length, insert, weight } of edits.toSorted((a, b) => a.at - b.at || b.length - a.length)) {
    if (at < done || (weight !== 'silent' && !weights.has(weight))) continue
    parts.push(text.slice(done, at), insert)
    done = at + length
  }
  return parts.length === 0 ? text : parts.join('') + text.slice(done)
}
