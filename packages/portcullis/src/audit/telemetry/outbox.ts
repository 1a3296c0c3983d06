/** What waits to be sent: bounded in number and in length, so that a collector that does not answer costs memory once and no more. */
export class Outbox {
  readonly #maxItems: number
  readonly #maxLength: number
  #items: string[] = []
  #length = 0

  /** `maxLength` in characters, of all items together. */
  constructor(maxItems: number, maxLength: number) {
    this.#maxItems = maxItems
    this.#maxLength = maxLength
  }

  get size(): number {
    return this.#items.length
  }

  /** False when there is no room: then the item is lost, because what waits already is the beginning of the story. */
  add(item: string): boolean {
    if (this.#items.length >= this.#maxItems || this.#length + item.length > this.#maxLength) return false
    this.#items.push(item)
    this.#length += item.length
    return true
  }

  /** The oldest, at most so many. */
  take(max: number): readonly string[] {
    const taken = this.#items.slice(0, max)
    this.#items = this.#items.slice(max)
    for (const item of taken) this.#length -= item.length
    return taken
  }
}
