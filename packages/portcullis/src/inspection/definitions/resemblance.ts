/** Whether a definition passes for another one: moved, renamed, a name twice, or a name that looks like another. */
import { evidence, type Finding } from '../finding.ts'
import { foldLookAlikes } from '../views/look-alikes.ts'
import { visibleText } from './hidden.ts'
import { contentOf, type Item } from './item.ts'

/** An item and the upstream that it is of. */
export interface Placed {
  readonly upstream: string
  readonly item: Item
}

/** Names shorter than this differ by one letter all the time. */
const MIN_NEAR_LENGTH = 6
/** Ordinary words are no mention of a tool. */
const TOOL_NAME = /^(?=.{6,64}$)[A-Za-z][A-Za-z0-9]*(?:[_.-][A-Za-z0-9]+)+$|^(?=.{6,64}$)[a-z]+(?:[A-Z][a-z0-9]+)+$/

/** Everything that is known of all upstreams, so that one item can be compared with all of them at once. */
export class Neighbourhood {
  readonly #names = new Map<string, Placed[]>()
  readonly #near = new Map<string, Placed[]>()
  readonly #contents = new Map<string, Placed[]>()
  readonly #mentionable = new Map<string, Placed[]>()

  constructor(all: Iterable<Placed>) {
    for (const placed of all) this.#add(placed)
  }

  /** What a reviewer should know of its neighbours, all of it hints. An item never resembles itself. */
  resemblances(upstream: string, item: Item): readonly Finding[] {
    if (item.name === '') return []
    const found: Finding[] = []
    const add = (reason: string, other: Placed) => found.push(hint(reason, other))
    const isOther = (other: Placed) => other.upstream !== upstream || other.item.name !== item.name
    const known = new Set<Placed>()
    const once = (others: readonly Placed[] | undefined, reasonOf: (other: Placed) => string | undefined) => {
      for (const other of others ?? []) {
        const reason =
          known.has(other) || !isOther(other) || other.item.kind !== item.kind ? undefined : reasonOf(other)
        if (reason === undefined) continue
        known.add(other)
        add(reason, other)
      }
    }
    once(this.#contents.get(contentKey(item)), (other) => sameContent(upstream, item, other))
    once(this.#names.get(skeleton(item.name)), (other) => sameLook(upstream, item, other))
    for (const variant of variants(skeleton(item.name)))
      once(this.#near.get(variant), (other) => (other.upstream === upstream ? undefined : 'look-alike'))
    return [...found, ...this.#mentions(upstream, item)]
  }

  #mentions(upstream: string, item: Item): readonly Finding[] {
    const text = item.fields.get('/description') ?? item.fields.get('/text')
    if (typeof text !== 'string') return []
    const words = new Set(text.slice(0, 65_536).match(/[A-Za-z][\w.-]{5,63}/g) ?? [])
    return [...words].flatMap((word) => {
      const others = this.#mentionable.get(word.replace(/[.-]+$/, '')) ?? []
      const other = others.find((one) => one.upstream !== upstream)
      return other === undefined || others.some((one) => one.upstream === upstream)
        ? []
        : [hint('mentions-tool', other)]
    })
  }

  #add(placed: Placed): void {
    const { item } = placed
    if (item.name === '') return
    const look = skeleton(item.name)
    push(this.#names, look, placed)
    push(this.#contents, contentKey(item), placed)
    for (const variant of variants(look)) push(this.#near, variant, placed)
    if (item.kind === 'tool' && TOOL_NAME.test(item.name)) push(this.#mentionable, item.name, placed)
  }
}

function hint(reason: string, { upstream, item }: Placed): Finding {
  const shown = evidence(`${visibleText(item.name)} of ${upstream}`)
  return { family: 'definition', weight: 'hint', reason: `definition.${reason}`, at: '', evidence: shown }
}

function sameContent(upstream: string, item: Item, other: Placed): string | undefined {
  if (!item.fields.has('/description')) return undefined
  return other.upstream === upstream ? 'renamed' : other.item.name === item.name ? 'moved' : 'copied'
}

function sameLook(upstream: string, item: Item, other: Placed): string | undefined {
  if (other.item.name !== item.name) return 'look-alike'
  return other.upstream === upstream ? undefined : 'shadow'
}

const contentKey = (item: Item): string => `${item.kind} ${contentOf(item)}`

/** What is left of a name for somebody who reads quickly: look-alikes, case, separators and what nobody sees are gone. */
export function skeleton(name: string): string {
  // Two scripts at its head let the folding take the whole name for a mixed word.
  const folded = foldLookAlikes(`a\u0430${name}`).slice(2).toLowerCase()
  return folded
    .replace(/[\s_./-]+/g, '')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replace(/[l1|]/g, 'i')
    .replaceAll('0', 'o')
}

/** The name and the name without each of its letters: two names share one when an edit or two lie between them. */
function variants(look: string): readonly string[] {
  if (look.length < MIN_NEAR_LENGTH || look.length > 64) return []
  return [look, ...Array.from(look, (_, at) => look.slice(0, at) + look.slice(at + 1))]
}

function push(map: Map<string, Placed[]>, key: string, placed: Placed): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [placed])
  else list.push(placed)
}
