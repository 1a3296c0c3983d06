/** Decides what stands in the place of a value in which something was found. */
import type { Family } from './finding.ts'

/** Stands for a value of which nothing is passed on. */
export const MASKED = '[masked]'

/**
 * Without what only a machine sees, where that was all that was found. Anything else is taken out whole: a part that was
 * cut out of an attack leaves another text, and nobody knows what that one does.
 */
export function maskText(text: string, families: ReadonlySet<Family>): string {
  return families.size === 1 && families.has('characters') ? visible(text) : MASKED
}

/** What is taken out may have kept apart what is unseen only together. */
const MAX_ROUNDS = 4

function visible(text: string): string {
  let before = text
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const after = before.replace(UNSEEN, '')
    if (after === before) return after
    before = after
  }
  return MASKED
}

/** Orders to a terminal, controls, tags, directions, zero widths and chains of selectors; joiners between plain letters. */
const UNSEEN = new RegExp(
  [
    String.raw`\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?`,
    String.raw`[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|[\u{e0000}-\u{e007f}]`,
    String.raw`[\u200b\u200e\u200f\u061c\u202a-\u202e\u2060-\u206f\ufeff\u180e\ufff9-\ufffb]`,
    String.raw`[\u115f\u1160\u3164\uffa0\u17b4\u17b5\u00ad\u034f]`,
    String.raw`[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]{2,}|(?<=[A-Za-z])[\u200c\u200d]+(?=[A-Za-z])`,
  ].join('|'),
  'gu',
)
