/**
 * Decides how much of a text that comes in pieces may leave: what nothing that is still to come can change. However a text is cut,
 * what leaves is the same.
 */
import { CONTEXT_BEHIND, REACH, type Span } from '../../core/recognise/kinds.ts'
import { settled } from '../../core/recognise/recognise.ts'
import type { TextMasker } from './text-masker.ts'

/** Characters that nobody sees are not counted by what reads a text; more of them than this end what they stand in. */
const UNSEEN_ROOM = 512
/** What has to be there before it is gone over once more; half of it leaves each time. */
const STEP = 16_384

export class StreamMasker {
  readonly #masker: TextMasker
  /** What has left already and is looked at only for what stands before something, then what has not left. */
  #text = ''
  #left = 0

  constructor(masker: TextMasker) {
    this.#masker = masker
  }

  /** The part of the text that can leave now, masked; often none. */
  push(piece: string): string {
    this.#text += piece
    if (this.#text.length - this.#left < REACH + UNSEEN_ROOM + STEP) return ''
    return this.#leave(this.#text.length - REACH - UNSEEN_ROOM)
  }

  /** The rest of it. */
  end(): string {
    const rest = this.#leave(this.#text.length)
    this.#text = ''
    this.#left = 0
    return rest
  }

  #leave(wanted: number): string {
    const text = this.#text
    const from = this.#left
    const raw = this.#masker.raw(text)
    const spans = raw.filter(({ start }) => start >= from)
    const to = wanted === text.length ? wanted : edge(spans, wanted)
    if (to <= from) return ''
    const out = this.#masker.replaced(text, settled(spans), from, to)
    const kept = beginning(text, raw, to - CONTEXT_BEHIND)
    this.#text = text.slice(kept)
    this.#left = to - kept
    return out
  }
}

/** The last place up to there that no span covers. */
function edge(spans: readonly Span[], wanted: number): number {
  let to = wanted
  for (const { start, end } of spans.toSorted((one, other) => other.end - one.end)) {
    if (start < to && to < end) to = start
  }
  return to
}

/** How far back a place is looked for at which reading can begin as if nothing had been before it. */
const MAX_BACK = 4_096

/** After white space, and inside of nothing that was found. */
function beginning(text: string, raw: readonly Span[], wanted: number): number {
  for (let at = wanted; at > Math.max(0, wanted - MAX_BACK); at--) {
    if (/\s/.test(text.charAt(at - 1)) && edge(raw, at) === at) return at - 1
  }
  return Math.max(0, wanted - MAX_BACK)
}
