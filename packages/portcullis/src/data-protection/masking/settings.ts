/** Decides which rules hold for a message: those of its tool, its upstream and its tenant, and those of all. */
import { type MaskLevel, type MaskRules, rulesOf, rulesOfErrors } from './rules.ts'

/** What one place of the configuration says. */
export interface MaskLevels {
  readonly arguments?: MaskLevel
  readonly results?: MaskLevel
}

export interface UpstreamMasking extends MaskLevels {
  readonly tools?: Readonly<Record<string, MaskLevels>>
  /** Tokens of the caller become what they stand for, before this upstream. */
  readonly restore?: boolean
}

export interface MaskSettings extends MaskLevels {
  readonly restore?: boolean
  readonly upstreams: Readonly<Record<string, UpstreamMasking>>
  readonly tenants: Readonly<Record<string, MaskLevels>>
}

/** Where a message goes to or comes from. */
export interface MaskPlace {
  readonly tenant: string
  readonly upstream: string
  readonly tool: string
}

type Direction = 'arguments' | 'results'

/** Made once for each tool that is named, for each upstream, and for all others, in each tenant that is named. */
export class RulesInForce {
  readonly #settings: MaskSettings
  readonly #made = new Map<string, MaskRules | undefined>()
  readonly #configured: Readonly<Record<Direction, boolean>>

  constructor(settings: MaskSettings) {
    this.#settings = settings
    this.#configured = { arguments: this.#says('arguments'), results: this.#says('results') }
  }

  /** Undefined where everything stays. */
  of(direction: Direction, place: MaskPlace): MaskRules | undefined {
    return this.#known(direction, place, rulesOf)
  }

  /** Of errors, which are masked however little is configured. */
  ofErrors(place: MaskPlace): MaskRules {
    return this.#known('results', place, rulesOfErrors) as MaskRules
  }

  /** Whether tokens in arguments are exchanged before an upstream; the nearest word counts, else they are. */
  restores(upstream: string): boolean {
    return own(this.#settings.upstreams, upstream)?.restore ?? this.#settings.restore ?? true
  }

  /** Whether any caller may get tokens at all. */
  get tokenises(): boolean {
    const { upstreams, tenants } = this.#settings
    const levels = [
      this.#settings,
      ...Object.values(tenants),
      ...Object.values(upstreams).flatMap((one) => [one, ...Object.values(one.tools ?? {})]),
    ]
    return levels.some(
      (one) => rulesOf([one.results ?? {}])?.tokenises === true || rulesOf([one.arguments ?? {}])?.tokenises === true,
    )
  }

  /** Whether anything is configured for one direction. Every message asks. */
  has(direction: Direction): boolean {
    return this.#configured[direction]
  }

  #says(direction: Direction): boolean {
    const { upstreams, tenants } = this.#settings
    const levels = [
      this.#settings,
      ...Object.values(tenants),
      ...Object.values(upstreams).flatMap((one) => [one, ...Object.values(one.tools ?? {})]),
    ]
    return levels.some((one) => rulesOf([one[direction] ?? {}]) !== undefined)
  }

  #known(
    direction: Direction,
    { tenant, upstream, tool }: MaskPlace,
    make: (levels: readonly MaskLevel[]) => MaskRules | undefined,
  ): MaskRules | undefined {
    const { upstreams, tenants } = this.#settings
    const near = own(upstreams, upstream)
    const named = own(near?.tools ?? {}, tool)
    const ofTenant = own(tenants, tenant)
    const key = [make.name, direction, ofTenant && tenant, near && upstream, named && tool].join(' ')
    if (this.#made.has(key)) return this.#made.get(key)
    const levels = [ofTenant, named, near, this.#settings].flatMap((level) => level?.[direction] ?? [])
    const made = make(levels)
    this.#made.set(key, made)
    return made
  }
}

const own = <T>(map: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(map, name) ? map[name] : undefined
