/** The port through which an upstream asks what of its own words may be passed on. */
import type { ToolDefinition } from '../mcp/definition.ts'
import type { ServerFacts } from './link.ts'

/** What comes in lists besides tools. */
export type OfferKind = 'prompt' | 'resource' | 'template'

/** `other`: not admitted, and not what the gateway itself was told either. */
export type Admission = 'admitted' | 'held' | 'other'

/** May be asked again at any time, and must be quick: answers are not kept where they can change. */
export interface Judge {
  /** Whether it has to be told the lists before anything in them is used. */
  readonly asksForOffers: boolean
  /** Names of the told tools that may not be offered. */
  held(told: readonly ToolDefinition[]): ReadonlySet<string>
  /** What may be passed on of what the upstream says of itself; less, where a part of it may not. */
  facts(told: ServerFacts): ServerFacts
  /** The same of what one principal was told, which decides nothing for anybody else. */
  factsOfOne(told: ServerFacts): ServerFacts
  /** Whether an item of a list that one principal was told may be passed on. */
  admits(kind: OfferKind, raw: unknown): Admission
  /** Is shown each list whole, as the gateway itself is told it. */
  told(kind: OfferKind, items: readonly unknown[]): void
}

/** For an upstream that nobody has to judge. */
export const ADMIT_ALL: Judge = {
  asksForOffers: false,
  held: () => new Set(),
  facts: (told) => told,
  factsOfOne: (told) => told,
  admits: () => 'admitted',
  told() {},
}
