/** Masks what goes to an upstream beside the arguments of tools and prompts, by the rules for arguments. */
import { Fault } from '../../core/fault.ts'
import type { Principal } from '../../core/principal.ts'
import type { Forms } from '../../mcp/forms.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import { maskRoots } from './mask-message.ts'
import type { WalkRoot } from './mask-walk.ts'
import { ownerOf } from './owner.ts'
import type { MaskRules } from './rules.ts'
import type { RulesInForce } from './settings.ts'
import { recogniserOf, TextMasker } from './text-masker.ts'
import { tokeniserOf, type TokenKeySource } from './token-desk.ts'
import { placed, responseRoots, upwardRoots } from './upward-roots.ts'

/** Who sends something to whom. */
export interface UpwardPlace {
  readonly principal: Principal
  readonly upstream: string
  /** Empty where no tool is called. */
  readonly tool: string
}

export interface UpwardParts {
  readonly rules: RulesInForce
  /** Absent where nothing is tokenised. */
  readonly keys?: TokenKeySource | undefined
  /** Whether the content of an answer is one to a form (`requestedSchema`). Absent: no answer is held against its form. */
  readonly fits?: ((form: Params, content: Params) => boolean) | undefined
}

export class UpwardMask {
  readonly #parts: UpwardParts

  constructor(parts: UpwardParts) {
    this.#parts = parts
  }

  /** Undefined where everything stays. */
  rulesOf({ principal: { tenant }, upstream, tool }: UpwardPlace): MaskRules | undefined {
    return this.#parts.rules.of('arguments', { tenant, upstream, tool })
  }

  /** Whether anything is masked there. */
  masks(place: UpwardPlace): boolean {
    return this.rulesOf(place) !== undefined
  }

  /**
   * The very same parameters when nothing in them is masked. Rejects when keys of tokens cannot be had, and with
   * `masking.arguments_refused` when an answer cannot be masked without leaving the form that was asked.
   */
  async params(method: string, params: Params, place: UpwardPlace, forms: Forms = {}): Promise<Params> {
    return this.#masked(params, upwardRoots(method, params), place, (out) =>
      Object.entries(forms).every(([key, form]) => this.#fits(form, answerAt(params, key), answerAt(out, key))),
    )
  }

  /** The response of a client to a question of an upstream; rejects as `params` does. */
  async answer<T extends object>(response: T, place: UpwardPlace, form?: Params): Promise<T> {
    const resultOf = (one: object): unknown => (one as Params)['result']
    return this.#masked(
      response,
      responseRoots(response as Params),
      place,
      (out) => form === undefined || this.#fits(form, resultOf(response), resultOf(out)),
    )
  }

  /** As configured; in plain characters where that leaves the form; or not at all. */
  async #masked<T extends object>(
    holder: T,
    roots: readonly WalkRoot[],
    place: UpwardPlace,
    fits: (out: T) => boolean,
  ): Promise<T> {
    const rules = roots.length === 0 ? undefined : this.rulesOf(place)
    if (rules === undefined) return holder
    const out = await maskRoots(await this.masker(rules, place.principal), holder, roots, placed)
    if (out === holder || fits(out)) return out
    const plain = await maskRoots(new TextMasker(rules, recogniserOf(rules), { isPlain: true }), holder, roots, placed)
    if (fits(plain)) return plain
    throw new Fault('masking.arguments_refused', { upstream: place.upstream, reason: 'the form that was asked' })
  }

  /** What was not masked is the upstream's business. */
  #fits(form: Params, before: unknown, after: unknown): boolean {
    const content = contentOf(after)
    if (content === undefined || content === contentOf(before)) return true
    return this.#parts.fits?.(form, content) ?? true
  }

  async masker(rules: MaskRules, principal: Principal): Promise<TextMasker> {
    const { keys } = this.#parts
    const tokenise = rules.tokenises && keys ? await tokeniserOf(keys, ownerOf(principal)) : undefined
    return new TextMasker(rules, recogniserOf(rules), { tokenise })
  }
}

const contentOf = (answer: unknown): Params | undefined =>
  isRecord(answer) && isRecord(answer['content']) ? answer['content'] : undefined

function answerAt(params: Params, key: string): unknown {
  const answers = params['inputResponses']
  return isRecord(answers) && Object.hasOwn(answers, key) ? answers[key] : undefined
}
