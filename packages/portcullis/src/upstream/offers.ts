/**
 * Prompts, resources and templates of one upstream as the gateway itself is told them, so that it knows what a name stands for
 * before anybody uses it. Lists for clients come from the upstream each time; these are for the judge alone.
 */
import type { Clock } from '../core/clock.ts'
import { isRecord, type Params } from '../mcp/message.ts'
import type { Judge, OfferKind } from './judge.ts'
import { type PageLimits, readPages } from './read-pages.ts'

export interface OffersOptions {
  readonly judge: Judge
  readonly clock: Clock
  readonly limits: PageLimits
  /** After which a look has the lists fetched again. */
  readonly ttlSeconds: number
  /** Capabilities of the server. Throws the faults of the upstream. */
  readonly capabilities: () => Promise<Params>
  /** A page of a list. Undefined for a method that the upstream does not have. */
  readonly page: (method: string, cursor: string | undefined) => Promise<Params | undefined>
}

// biome-ignore format: one list a row
export const LISTS = [
  { kind: 'prompt',   capability: 'prompts',   method: 'prompts/list',             member: 'prompts' },
  { kind: 'resource', capability: 'resources', method: 'resources/list',           member: 'resources' },
  { kind: 'template', capability: 'resources', method: 'resources/templates/list', member: 'resourceTemplates' },
] as const satisfies readonly { kind: OfferKind; capability: string; method: string; member: string }[]

/** Between two fetches that are only because of what principals were told. */
const DOUBT_MS = 1_000

type OfferList = (typeof LISTS)[number]

export class Offers {
  readonly #options: OffersOptions
  #fetchedAt: number | undefined
  #doubtedAt = Number.NEGATIVE_INFINITY
  #expiries = 0
  #fetching: Promise<void> | undefined

  constructor(options: OffersOptions) {
    this.#options = options
  }

  /** Resolves when the judge has seen lists that are young enough. Throws the faults of the upstream. */
  async ready(): Promise<void> {
    const { clock, ttlSeconds } = this.#options
    if (this.#fetchedAt !== undefined && clock.now() - this.#fetchedAt <= ttlSeconds * 1_000) return
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    await this.#fetching
  }

  /** The next look has the lists fetched again. */
  expire(): void {
    this.#expiries++
    this.#fetchedAt = undefined
  }

  /** As `expire`, but not all the time: what one principal is told may always be something else. */
  doubt(): void {
    const now = this.#options.clock.now()
    if (now - this.#doubtedAt < DOUBT_MS) return
    this.#doubtedAt = now
    this.expire()
  }

  /** All lists, as told. Throws the faults of the upstream. */
  async read(): Promise<ReadonlyMap<OfferKind, readonly unknown[]>> {
    const capabilities = await this.#options.capabilities()
    const read = LISTS.map(async (list) => [list.kind, await this.#readOne(list, capabilities)] as const)
    return new Map(await Promise.all(read))
  }

  async #fetch(): Promise<void> {
    const startedAt = this.#options.clock.now()
    const expiries = this.#expiries
    for (const [kind, items] of await this.read()) this.#options.judge.told(kind, items)
    // What was announced meanwhile may not be in the lists that were read.
    if (expiries === this.#expiries) this.#fetchedAt = startedAt
  }

  async #readOne({ capability, method, member }: OfferList, capabilities: Params): Promise<readonly unknown[]> {
    if (!isRecord(capabilities[capability])) return []
    const { page, limits } = this.#options
    const read = async (cursor: string | undefined) => (await page(method, cursor)) ?? { [member]: [] }
    return readPages(member, read, limits)
  }
}
