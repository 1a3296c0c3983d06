/** Decides which of very many networks hold an address: sorted in typed arrays, each with the smallest network around it. */
import { masked } from './network.ts'

/** Networks of one family, added in any order. `words` are 32 bits each, the highest first: one for IPv4, four for IPv6. */
export class NetworkTable<Note> {
  readonly #width: number
  readonly #notes: Note[] = []
  #starts = new Uint32Array(0)
  #prefixes = new Uint8Array(0)
  #noteOf = new Uint32Array(0)
  #around = new Int32Array(0)
  #count = 0

  constructor(width: 1 | 4) {
    this.#width = width
  }

  get size(): number {
    return this.#count
  }

  /** Equal notes should be one object, one after another: each is kept once for a row of them. Not after `sort`. */
  add(words: readonly number[], prefix: number, note: Note): void {
    if (this.#count === this.#prefixes.length) this.#grow()
    const at = this.#count++
    for (let word = 0; word < this.#width; word++)
      this.#starts[at * this.#width + word] = masked(words[word] as number, prefix - 32 * word)
    this.#prefixes[at] = prefix
    if (this.#notes.at(-1) !== note) this.#notes.push(note)
    this.#noteOf[at] = this.#notes.length - 1
  }

  /** Makes it ready for questions, in steps: a million networks take some milliseconds each. */
  *sort(): Generator<void> {
    let order = Uint32Array.from({ length: this.#count }, (_, at) => at)
    yield
    // Least significant first: the prefix decides between networks with the same start, the wider one comes first.
    order = counted(order, (at) => this.#prefixes[at] as number)
    for (let word = this.#width - 1; word >= 0; word--) {
      for (const shift of [0, 8, 16, 24]) {
        yield
        order = counted(order, (at) => ((this.#starts[at * this.#width + word] as number) >>> shift) & 255)
      }
    }
    yield
    this.#arrange(order)
    yield
    this.#surround()
  }

  /** The note of the smallest network that holds the address and is accepted. */
  find(words: readonly number[], accepts: (note: Note) => boolean): Note | undefined {
    // Networks lie inside each other or apart: all that hold the address are around the last one that starts before it.
    for (let at = this.#lastStart(words); at >= 0; at = this.#around[at] as number) {
      if (!this.#holds(at, words)) continue
      const note = this.#notes[this.#noteOf[at] as number] as Note
      if (accepts(note)) return note
    }
    return undefined
  }

  #lastStart(words: readonly number[]): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#startsAfter(middle, words)) high = middle
      else low = middle + 1
    }
    return low - 1
  }

  #startsAfter(at: number, words: readonly number[]): boolean {
    for (let word = 0; word < this.#width; word++) {
      const start = this.#starts[at * this.#width + word] as number
      const wanted = words[word] as number
      if (start !== wanted) return start > wanted
    }
    return false
  }

  #holds(at: number, words: ArrayLike<number>, from = 0): boolean {
    const prefix = this.#prefixes[at] as number
    for (let word = 0; word < this.#width && prefix > 32 * word; word++) {
      if (masked(words[from + word] as number, prefix - 32 * word) !== this.#starts[at * this.#width + word])
        return false
    }
    return true
  }

  #grow(): void {
    const room = Math.max(16, this.#prefixes.length * 2)
    this.#starts = enlarged(this.#starts, new Uint32Array(room * this.#width))
    this.#prefixes = enlarged(this.#prefixes, new Uint8Array(room))
    this.#noteOf = enlarged(this.#noteOf, new Uint32Array(room))
  }

  #arrange(order: Uint32Array): void {
    const width = this.#width
    const starts = new Uint32Array(order.length * width)
    for (let at = 0; at < order.length; at++) {
      const from = (order[at] as number) * width
      for (let word = 0; word < width; word++) starts[at * width + word] = this.#starts[from + word] as number
    }
    this.#prefixes = Uint8Array.from(order, (from) => this.#prefixes[from] as number)
    this.#noteOf = Uint32Array.from(order, (from) => this.#noteOf[from] as number)
    this.#starts = starts
  }

  #surround(): void {
    const around = new Int32Array(this.#count)
    for (let at = 0; at < this.#count; at++) {
      let outer = at - 1
      while (outer >= 0 && !this.#holds(outer, this.#starts, at * this.#width)) outer = around[outer] as number
      around[at] = outer
    }
    this.#around = around
  }
}

/** One pass of a counting sort, stable. */
function counted(order: Uint32Array<ArrayBuffer>, digit: (at: number) => number): Uint32Array<ArrayBuffer> {
  const places = new Uint32Array(257)
  for (const at of order) places[digit(at) + 1] = (places[digit(at) + 1] as number) + 1
  for (let value = 1; value <= 256; value++) places[value] = (places[value] as number) + (places[value - 1] as number)
  const sorted = new Uint32Array(order.length)
  for (const at of order) {
    const value = digit(at)
    sorted[places[value] as number] = at
    places[value] = (places[value] as number) + 1
  }
  return sorted
}

function enlarged<T extends Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}
