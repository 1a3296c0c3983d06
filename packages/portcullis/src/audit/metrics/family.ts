/** Numbers that a call changes on its way: found by their labels once, then changed in some ten nanoseconds. */

/** Label values by name. */
export type Labels = Readonly<Record<string, string>>

/** Only grows. */
export class Counter {
  value = 0

  add(amount = 1): void {
    this.value += amount
  }
}

/** How many observations are not above each bound. */
export class Histogram {
  readonly bounds: readonly number[]
  /** One for each bound and one for what is above all of them; not cumulative. */
  readonly counts: Float64Array
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    let at = 0
    while (at < this.bounds.length && value > (this.bounds[at] as number)) at++
    this.counts[at] = (this.counts[at] as number) + 1
    this.sum += value
  }
}

/** What all label values of the sets are called that came when there were too many. */
export const OTHER = 'other'

/**
 * The cells of one metric by their labels. Bounded, because a scrape and a monitoring system pay for each set for ever: what
 * comes after `maxCells` sets is counted under `other`.
 */
export class Family<Cell> {
  readonly #names: readonly string[]
  readonly #make: () => Cell
  readonly #maxCells: number
  readonly #root = new Branch<Cell>()
  readonly #entries: { readonly labels: Labels; readonly cell: Cell }[] = []

  constructor(names: readonly string[], make: () => Cell, maxCells: number) {
    this.#names = names
    this.#make = make
    this.#maxCells = maxCells
  }

  /** The cell of these values, in the order of the names. */
  of(...values: readonly string[]): Cell {
    let branch: Branch<Cell> | undefined = this.#root
    for (let at = 0; at < values.length && branch !== undefined; at++) branch = branch.next.get(values[at] as string)
    return branch?.cell ?? this.#add(values)
  }

  get entries(): readonly { readonly labels: Labels; readonly cell: Cell }[] {
    return this.#entries
  }

  #add(values: readonly string[]): Cell {
    if (this.#entries.length >= this.#maxCells && values.some((value) => value !== OTHER)) {
      return this.of(...values.map(() => OTHER))
    }
    const cell = this.#make()
    this.#entries.push({ labels: Object.fromEntries(this.#names.map((name, at) => [name, values[at] ?? ''])), cell })
    let branch = this.#root
    for (const value of values) branch = branch.to(value)
    branch.cell = cell
    return cell
  }
}

/** The cells of the same first values: to look each value up by itself costs less than to make one key of all. */
class Branch<Cell> {
  readonly next = new Map<string, Branch<Cell>>()
  cell: Cell | undefined

  to(value: string): Branch<Cell> {
    const known = this.next.get(value)
    if (known !== undefined) return known
    const branch = new Branch<Cell>()
    this.next.set(value, branch)
    return branch
  }
}
