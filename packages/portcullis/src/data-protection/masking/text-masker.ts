/** Decides what stands in a text in the place of what is sensitive in it. */
import type { MaskAction, Span, ValueKind } from '../../core/recognise/kinds.ts'
import { Recogniser } from '../../core/recognise/recognise.ts'
import type { MaskRules } from './rules.ts'
import { inPlainShape, inShape } from './shape.ts'

/** Exchanges a value for a token of the caller; undefined for what is too long. */
export type Tokenise = (value: string, kind: ValueKind) => string | undefined

/** How values are replaced: as configured, or in plain characters where a schema would break. */
export interface Replacing {
  readonly tokenise?: Tokenise | undefined
  readonly isPlain?: boolean
}

/** Masks the texts of one message. */
export class TextMasker {
  readonly rules: MaskRules
  readonly #recogniser: Recogniser
  readonly #replacing: Replacing

  /** `recogniser` is made once for each set of kinds: see `recogniserOf`. */
  constructor(rules: MaskRules, recogniser: Recogniser, replacing: Replacing = {}) {
    this.rules = rules
    this.#recogniser = recogniser
    this.#replacing = replacing
  }

  /** The very same text when nothing in it is sensitive. */
  mask(text: string): string {
    const spans = this.#recogniser.find(text)
    return spans.length === 0 ? text : this.replaced(text, spans, 0, text.length)
  }

  /** As found, overlaps included. */
  raw(text: string): readonly Span[] {
    return this.#recogniser.raw(text)
  }

  /** A part of a text at whose edges no span is cut. */
  replaced(text: string, spans: readonly Span[], from: number, to: number): string {
    let masked = ''
    let done = from
    for (const { start, end, kind } of spans) {
      if (start < from || end > to) continue
      const action = this.rules.actions.get(kind) ?? 'keep'
      masked += text.slice(done, start) + this.value(text.slice(start, end), kind, action)
      done = end
    }
    return masked + text.slice(done, to)
  }

  /** A value that is sensitive as a whole. */
  value(value: string, kind: ValueKind, action: MaskAction): string {
    if (action === 'keep' || value === '') return value
    const { isPlain, tokenise } = this.#replacing
    if (isPlain) return inPlainShape(value)
    if (action === 'remove') return `[${kind} removed]`
    const token = action === 'tokenise' ? tokenise?.(value, kind) : undefined
    return token ?? inShape(value, kind, this.rules.keepLast)
  }
}

const made = new WeakMap<MaskRules, Recogniser>()

export function recogniserOf(rules: MaskRules): Recogniser {
  const known = made.get(rules)
  if (known !== undefined) return known
  const recogniser = new Recogniser(new Set(rules.actions.keys()))
  made.set(rules, recogniser)
  return recogniser
}
