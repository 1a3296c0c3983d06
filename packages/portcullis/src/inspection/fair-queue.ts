/** Decides who is next among many who wait: each key in turn, so that one with a long queue delays the others by one item. */

export class FairQueue<Item> {
  /** In the order in which the keys have their turn. */
  readonly #queues = new Map<string, Set<Item>>()

  add(key: string, item: Item): void {
    const queue = this.#queues.get(key)
    if (queue === undefined) this.#queues.set(key, new Set([item]))
    else queue.add(item)
  }

  /** Takes the oldest item of the key whose turn it is. Undefined when nobody waits. */
  take(): Item | undefined {
    const [turn] = this.#queues
    if (turn === undefined) return undefined
    const [key, queue] = turn
    const [item] = queue
    queue.delete(item as Item)
    this.#queues.delete(key)
    if (queue.size > 0) this.#queues.set(key, queue)
    return item
  }

  /** Takes an item out before its turn, if it still waits. */
  drop(key: string, item: Item): void {
    const queue = this.#queues.get(key)
    if (queue?.delete(item) === true && queue.size === 0) this.#queues.delete(key)
  }
}
