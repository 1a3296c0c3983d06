/** What an upstream last said in its lists, by key; and which of its templates stands for a URI that is in none. */
import type { Item } from '../inspection/definitions/item.ts'
import { type ItemKey, type Kind, keyOf } from '../inspection/definitions/kind.ts'
import { matchesTemplate } from '../inspection/definitions/template-match.ts'

/** What a list changed. */
interface Replaced {
  /** Is told no more. */
  readonly gone: readonly ItemKey[]
  readonly isNews: boolean
  /** Stands for more than one thing in the same list. */
  readonly ambiguous: ReadonlySet<ItemKey>
}

export class ToldItems {
  readonly #items = new Map<ItemKey, Item>()
  #templates: readonly Item[] = []

  get all(): ReadonlyMap<ItemKey, Item> {
    return this.#items
  }

  get(key: ItemKey): Item | undefined {
    return this.#items.get(key)
  }

  has(key: ItemKey): boolean {
    return this.#items.has(key)
  }

  /** One list, whole. */
  replace(kind: Kind, items: readonly Item[]): Replaced {
    const now = new Map(items.map((item) => [keyOf(item), item]))
    const gone = [...this.#items].flatMap(([key, item]) => (item.kind === kind && !now.has(key) ? [key] : []))
    const isOther = [...now].some(([key, { digest }]) => this.#items.get(key)?.digest !== digest)
    const ambiguous = items.filter((item) => now.get(keyOf(item))?.digest !== item.digest).map(keyOf)
    for (const key of gone) this.#items.delete(key)
    for (const [key, item] of now) this.#items.set(key, item)
    if (kind === 'template') this.#templates = [...now.values()]
    return { gone, isNews: isOther || gone.length > 0, ambiguous: new Set(ambiguous) }
  }

  /**
   * The held template that may stand for the URI, unless one that is not held surely does: what waits takes nothing away
   * that was approved.
   */
  heldTemplateOf(uri: string, isHeld: (template: Item) => boolean): Item | undefined {
    const held = this.#templates.filter((item) => matchesTemplate(item.name, uri, 'may') && isHeld(item))
    if (held.length === 0) return undefined
    const isCovered = this.#templates.some((item) => matchesTemplate(item.name, uri, 'surely') && !isHeld(item))
    return isCovered ? undefined : held[0]
  }
}
