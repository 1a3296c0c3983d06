/**
 * Network namespaces that are ready before they are asked for, because making one takes longer than all else of a start.
 *
 * A namespace serves one launch and never a second one. One is kept ready for each shape that was launched, made after
 * the launch and while that process runs; a host that nobody asks makes none.
 */
import type { NetworkNamespace } from './namespace.ts'
import { type NetworkShape, shapeKey } from './shape.ts'

/** Shapes that are kept ready at a time; the one that waited longest makes room. */
const MAX_READY = 8

export class NamespacePool {
  readonly #make: (shape: NetworkShape) => Promise<NetworkNamespace>
  /** Undefined inside: it could not be made, which the next launch then finds out by itself. */
  readonly #ready = new Map<string, Promise<NetworkNamespace | undefined>>()
  #closed = false

  constructor(make: (shape: NetworkShape) => Promise<NetworkNamespace>) {
    this.#make = make
  }

  /** A fresh namespace, which now belongs to the caller. Faults as `make`. */
  async take(shape: NetworkShape): Promise<NetworkNamespace> {
    const key = shapeKey(shape)
    const waiting = this.#ready.get(key)
    this.#ready.delete(key)
    return (await waiting) ?? this.#make(shape)
  }

  /** Sees to it that one of this shape is ready soon. Never throws. */
  refill(shape: NetworkShape): void {
    const key = shapeKey(shape)
    if (this.#closed || this.#ready.has(key)) return
    this.#ready.set(
      key,
      this.#make(shape).catch(() => undefined),
    )
    const [oldest = ''] = this.#ready.keys()
    if (this.#ready.size > MAX_READY) this.#discard(oldest)
  }

  /** Closes what waits. From now on nothing is kept ready. */
  close(): void {
    this.#closed = true
    for (const key of [...this.#ready.keys()]) this.#discard(key)
  }

  #discard(key: string): void {
    void this.#ready.get(key)?.then((namespace) => namespace?.close())
    this.#ready.delete(key)
  }
}
