/** Turns in this process. Each verb does its work without waiting, which makes it atomic. */
import type { TurnStore } from '../turn-store.ts'

export class MemoryTurns implements TurnStore {
  readonly #holders = new Map<string, { readonly holder: string; readonly endsAt: number }>()

  async take(name: string, holder: string, forMs: number): Promise<boolean> {
    const held = this.#holders.get(name)
    if (held !== undefined && held.endsAt > performance.now()) return false
    this.#holders.set(name, { holder, endsAt: performance.now() + forMs })
    return true
  }

  async keep(name: string, holder: string, forMs: number): Promise<boolean> {
    if (this.#holders.get(name)?.holder !== holder) return false
    this.#holders.set(name, { holder, endsAt: performance.now() + forMs })
    return true
  }

  async pass(name: string, holder: string): Promise<void> {
    if (this.#holders.get(name)?.holder === holder) this.#holders.delete(name)
  }

  guard<T>(_name: string, _holder: string, work: () => Promise<T>): Promise<T> {
    return work()
  }
}
