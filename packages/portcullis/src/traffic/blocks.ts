/** What can be blocked or listed, and the port through which other rooms have something blocked. */

/**
 * What the value of an entry names:
 *
 * | kind | value |
 * |---|---|
 * | `address` | an address or a network, such as `192.0.2.0/24`; mapped IPv6 forms count as IPv4 |
 * | `country` | two letters of ISO 3166-1, as the file of countries maps the caller's network to them |
 * | `principal` | a principal of the gateway, such as `key:…`, `user:…` or `https://issuer\|subject` |
 * | `client` | an OAuth client; that of an outside issuer as `https://issuer\|client` |
 * | `key` | the id of an API key |
 * | `tool` | a tool by its name on the aggregate path, such as `files__write` |
 * | `upstream` | an upstream by its name |
 */
export const BLOCK_KINDS = ['address', 'country', 'principal', 'client', 'key', 'tool', 'upstream'] as const

export type BlockKind = (typeof BLOCK_KINDS)[number]

/** Kinds that say where a caller is; they are asked before anybody is known, so they cannot be of one tenant. */
export const PLACES: readonly BlockKind[] = ['address', 'country']

/** In the place of an end: the last instant that there is (ECMA-262, "Time Values"). */
export const FOR_EVER_MS = 8_640_000_000_000_000

/** Who stands on a list, and why. */
export interface Entry {
  readonly kind: BlockKind
  readonly value: string
  /** The tenant that it concerns; empty for all. */
  readonly tenant: string
  /** For operators and the audit record; never told to a caller. */
  readonly reason: string
  /** Who put it there: `config`, a file, an administrator, a detector. */
  readonly source: string
  /** Milliseconds since the epoch; FOR_EVER_MS for ever. */
  readonly untilMs: number
}

/** What somebody wants to have blocked. */
export interface NewBlock extends Pick<Entry, 'kind' | 'value' | 'reason' | 'source'> {
  /** The tenant that it concerns; absent for all. Not for addresses and countries. */
  readonly tenant?: string
  /** Milliseconds since the epoch; absent for ever. */
  readonly untilMs?: number
}

/** Port: has something blocked on every node. */
export interface Blocks {
  /**
   * Holds on this node at once, even if the store fails, and on every node within a second of when it resolves; work under
   * way ends. Takes the place of an earlier block of the same name. Rejects with `administration.refused` for a value that
   * cannot be blocked, with `administration.conflict` when there are too many, and when the store cannot be written.
   */
  block(wanted: NewBlock): Promise<void>
}

/** By which an entry is the same as another one. */
export const entryName = ({ kind, tenant, value }: Pick<Entry, 'kind' | 'tenant' | 'value'>): string =>
  `${kind}\n${tenant}\n${value}`
