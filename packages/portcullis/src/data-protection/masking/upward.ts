/** Masks what goes to an upstream beside the arguments of tools and prompts, by the rules for arguments. */
import type { Principal } from '../../core/principal.ts'
import type { Params } from '../../mcp/message.ts'
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

  /** The very same parameters when nothing in them is masked. Rejects when keys of tokens cannot be had. */
  async params(method: string, params: Params, place: UpwardPlace): Promise<Params> {
    return this.#masked(params, upwardRoots(method, params), place)
  }

  /** The response of a client to a question of an upstream. */
  async answer<T extends object>(response: T, place: UpwardPlace): Promise<T> {
    return this.#masked(response, responseRoots(response as Params), place)
  }

  async #masked<T extends object>(holder: T, roots: readonly WalkRoot[], place: UpwardPlace): Promise<T> {
    const rules = roots.length === 0 ? undefined : this.rulesOf(place)
    return rules === undefined ? holder : maskRoots(await this.masker(rules, place.principal), holder, roots, placed)
  }

  async masker(rules: MaskRules, principal: Principal): Promise<TextMasker> {
    const { keys } = this.#parts
    const tokenise = rules.tokenises && keys ? await tokeniserOf(keys, ownerOf(principal)) : undefined
    return new TextMasker(rules, recogniserOf(rules), { tokenise })
  }
}
