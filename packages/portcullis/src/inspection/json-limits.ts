/** How much one JSON document may hold, for both readers of this room. */
export interface JsonLimits {
  /** Arrays and objects inside each other; `[]` is 1 deep. */
  readonly maxDepth: number
  /** Members and elements of the whole document. */
  readonly maxMembers?: number
}

/** Up to this many names a loop over them beats a look-up. */
export const FEW_NAMES = 8
/** An object with more is a table, whose names are data. */
export const TABLE_NAMES = 64
/**
 * Names of one object. The engine cannot be interrupted while it gathers them or makes room for more, which takes 20 ms for
 * so many and several times as long for twice as many.
 */
export const MAX_NAMES = 100_000
