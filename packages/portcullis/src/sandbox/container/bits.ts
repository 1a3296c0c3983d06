/**
 * Sets of 32-bit words as unions of disjoint patterns, because that is all that an engine's system call profile can say:
 * each rule holds at most one masked comparison of an argument, and rules only add up.
 */

/** The words `w` with `(w & mask) === value`. Both are unsigned. */
export interface Pattern {
  readonly mask: number
  readonly value: number
}

/** Every word. */
export const ANY: readonly Pattern[] = [{ mask: 0, value: 0 }]

/** The words whose bits in `mask` are exactly `value`; none when `value` has other bits. */
export function exactly(mask: number, value: number): readonly Pattern[] {
  return (value & ~mask) === 0 ? [{ mask: mask >>> 0, value: value >>> 0 }] : []
}

/** All the others: one pattern for each bit, which equals `value` above that bit and differs in it. */
export function otherThan(mask: number, value: number): readonly Pattern[] {
  if ((value & ~mask) !== 0) return ANY
  return bitsOf(mask).map((bit) => {
    const above = (mask & ~(bit - 1)) >>> 0
    return { mask: above, value: ((value & above) ^ bit) >>> 0 }
  })
}

/** The words that are in both sets. */
export function both(left: readonly Pattern[], right: readonly Pattern[]): readonly Pattern[] {
  return left.flatMap((a) =>
    right
      .filter((b) => ((a.value ^ b.value) & a.mask & b.mask) === 0)
      .map((b) => ({ mask: (a.mask | b.mask) >>> 0, value: (a.value | b.value) >>> 0 })),
  )
}

function bitsOf(mask: number): readonly number[] {
  return Array.from({ length: 32 }, (_, index) => (1 << index) >>> 0).filter((bit) => (mask & bit) !== 0)
}
