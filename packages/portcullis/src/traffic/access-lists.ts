/** Decides who and what is let in by the block and allow lists, whatever they come from. */
import type { Clock } from '../core/clock.ts'
import type { Principal } from '../core/principal.ts'
import type { BlockList } from './block-list.ts'
import type { BlockKind, Entry } from './blocks.ts'
import type { Countries } from './country-file.ts'
import type { EntrySet, Note } from './entry-set.ts'
import { addressWords } from './address-words.ts'

/** The newest state of a list that may be replaced, such as that of a file. */
export interface ListSource {
  readonly effect: 'block' | 'allow'
  readonly entries: EntrySet
}

export interface AccessListsParts {
  /** Each is asked for its entries anew for each question. */
  readonly sources: readonly ListSource[]
  readonly blocks: Pick<BlockList, 'size' | 'address' | 'name' | 'onBlocked'>
  /** Absent when no file of countries is configured. */
  readonly countries?: () => Countries
  readonly clock: Clock
}

/** Why somebody is refused, for the audit record. */
export type Refusal = Pick<Entry, 'reason'> & { readonly kind: string; readonly value: string; readonly source: string }

type Named = readonly [kind: BlockKind, value: string]

/**
 * Kinds that stand for each other in an allow list: whoever is listed by one of a group needs not be listed by the others.
 * Of a group without entries, nobody needs to be listed.
 */
const WHO = ['principal', 'client', 'key'] as const
const WHAT = ['upstream', 'tool'] as const

/** A block counts even for what is allowed. */
export class AccessLists {
  readonly #parts: AccessListsParts
  readonly #blocking: readonly ListSource[]
  readonly #allowing: readonly ListSource[]
  readonly #listeners = new Set<() => void>()
  #changedAt = Number.NEGATIVE_INFINITY

  constructor(parts: AccessListsParts) {
    this.#parts = parts
    this.#blocking = parts.sources.filter(({ effect }) => effect === 'block')
    this.#allowing = parts.sources.filter(({ effect }) => effect === 'allow')
    parts.blocks.onBlocked(() => this.changed())
  }

  /** To be called when the entries of a source were replaced: what they refuse now ends. */
  changed(): void {
    this.#changedAt = this.#parts.clock.now()
    for (const listener of this.#listeners) listener()
  }

  /** Milliseconds since the epoch when somebody may have been blocked last. */
  get changedAt(): number {
    return this.#changedAt
  }

  /** Calls the listener when somebody may have been blocked. It must not throw. */
  onChanged(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** Why nobody is served at this address; undefined when it may be. An address that cannot be read is on no list. */
  refusalOfAddress(address: string): Refusal | undefined {
    if (this.#isEmpty) return undefined
    const { clock, blocks, countries } = this.#parts
    const isLimited = this.#allowing.some(isOfPlaces)
    const words = addressWords(address)
    if (words === undefined) return isLimited ? unlisted('address', address) : undefined
    const now = clock.now()
    const found = blocks.address(words, now) ?? firstOf(this.#blocking, ({ entries }) => entries.address(words, now))
    if (found !== undefined) return { kind: 'address', value: address, ...noteOf(found) }
    const country = countries?.().of(words)
    const there = country === undefined ? undefined : this.#blockOf(['country', country], '', now)
    if (there !== undefined) return { kind: 'country', value: country as string, ...noteOf(there) }
    const isListed = ({ entries }: ListSource) =>
      entries.address(words, now) !== undefined ||
      (country !== undefined && entries.name('country', '', country, now) !== undefined)
    return isLimited && !this.#allowing.some(isListed) ? unlisted('address', address) : undefined
  }

  /** Why a caller is not served; undefined when it may be. */
  refusalOfCaller({ id, tenant, credential }: Principal): Refusal | undefined {
    return this.#refusalOf(WHO, tenant, (kind) => {
      if (kind === 'principal') return id
      if (kind === 'client') return credential.client
      return credential.kind === 'api-key' ? credential.id : undefined
    })
  }

  /** Why a tool, by its name on the aggregate path, or anything of an upstream is refused to a tenant; undefined when it is not. */
  refusalOfTarget(tenant: string, upstream: string, tool: string | undefined): Refusal | undefined {
    const refusal = this.#refusalOf(WHAT, tenant, (kind) => (kind === 'upstream' ? upstream : tool))
    // Who may use one tool of an upstream may ask it for what is no tool, such as the list of them.
    const isOfSome = ({ entries }: ListSource) => entries.hasToolOf(upstream, '') || entries.hasToolOf(upstream, tenant)
    return refusal?.source === UNLISTED && tool === undefined && this.#allowing.some(isOfSome) ? undefined : refusal
  }

  get #isEmpty(): boolean {
    return this.#parts.blocks.size === 0 && this.#parts.sources.length === 0
  }

  #refusalOf<Kind extends BlockKind>(
    group: readonly Kind[],
    tenant: string,
    valueOf: (kind: Kind) => string | undefined,
  ): Refusal | undefined {
    if (this.#isEmpty) return undefined
    const now = this.#parts.clock.now()
    for (const kind of group) {
      const value = valueOf(kind)
      const found = value === undefined ? undefined : this.#blockOf([kind, value], tenant, now)
      if (found !== undefined) return { kind, value: value as string, ...noteOf(found) }
    }
    const needed = this.#allowing.filter(({ entries }) =>
      group.some((kind) => entries.has(kind, '') || entries.has(kind, tenant)),
    )
    if (needed.length === 0) return undefined
    const isListed = group.some((kind) => {
      const value = valueOf(kind)
      return (
        value !== undefined && needed.some(({ entries }) => nameIn(entries, [kind, value], tenant, now) !== undefined)
      )
    })
    const first = group.find((kind) => valueOf(kind) !== undefined)
    return isListed || first === undefined ? undefined : unlisted(first, valueOf(first) as string)
  }

  #blockOf(named: Named, tenant: string, now: number): Note | undefined {
    const { blocks } = this.#parts
    return (
      nameIn(blocks, named, tenant, now) ??
      firstOf(this.#blocking, ({ entries }) => nameIn(entries, named, tenant, now))
    )
  }
}

interface NameList {
  name(kind: BlockKind, tenant: string, value: string, now: number): Note | undefined
}

const nameIn = (list: NameList, [kind, value]: Named, tenant: string, now: number): Note | undefined =>
  list.name(kind, '', value, now) ?? (tenant === '' ? undefined : list.name(kind, tenant, value, now))

const isOfPlaces = ({ entries }: ListSource): boolean => entries.has('address', '') || entries.has('country', '')

const UNLISTED = 'allow list'

const noteOf = ({ reason, source }: Note): Pick<Refusal, 'reason' | 'source'> => ({ reason, source })

const unlisted = (kind: BlockKind, value: string): Refusal => ({
  kind,
  value,
  reason: 'not on the allow list',
  source: UNLISTED,
})

function firstOf<T, Found>(all: readonly T[], find: (one: T) => Found | undefined): Found | undefined {
  for (const one of all) {
    const found = find(one)
    if (found !== undefined) return found
  }
  return undefined
}
