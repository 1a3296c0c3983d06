/** Which tool follows which among all callers of a tenant: counts in a fixed table (a count-min sketch), halved when they are full. */
import { pairOf } from './marks.ts'

const ROWS = 4
const COLUMNS = 1_024
const FULL = 65_535
const ANY = 0x5bd1e995
/** Tools that followed another one so often have to be known before a pair can be rare. */
const LEAST_KNOWN = 50
const RARE = 0.01

export class Transitions {
  static readonly BYTES = ROWS * COLUMNS * 2
  readonly counts: Uint16Array

  /** `counts` as a snapshot kept them. */
  constructor(counts = new Uint16Array(ROWS * COLUMNS)) {
    this.counts = counts
  }

  /** Counts that `next` followed `previous`, both as hashes. True when that hardly ever happened before. */
  follow(previous: number, next: number): boolean {
    const pair = pairOf(previous, next)
    const any = pairOf(previous, ANY)
    const known = this.#least(any)
    const isRare = known >= LEAST_KNOWN && this.#least(pair) / known < RARE
    this.#add(pair)
    this.#add(any)
    return isRare
  }

  #least(hash: number): number {
    let least = FULL
    for (let row = 0; row < ROWS; row++) least = Math.min(least, this.counts[cellOf(hash, row)] as number)
    return least
  }

  #add(hash: number): void {
    for (let row = 0; row < ROWS; row++) {
      const cell = cellOf(hash, row)
      const count = (this.counts[cell] as number) + 1
      this.counts[cell] = count
      if (count === FULL) this.#halve()
    }
  }

  #halve(): void {
    for (let cell = 0; cell < this.counts.length; cell++) this.counts[cell] = (this.counts[cell] as number) >>> 1
  }
}

const cellOf = (hash: number, row: number): number => row * COLUMNS + (pairOf(hash, row + 1) & (COLUMNS - 1))
