/** One key-encryption key of several keepers: the first wraps, all of them unwrap. So one keeper can take the place of another. */
import { SealBroken } from './envelope.ts'
import type { KeyEncryption, KeyPlace, WrappedKey } from './key-encryption.ts'
import type { Secret } from '../core/secret.ts'

/** Opens a keeper; what it needs is loaded then, and nothing of any other. */
export type OpenKeeper = () => Promise<KeyEncryption>

export class Encryptions implements KeyEncryption {
  readonly #open: readonly OpenKeeper[]
  #opened: Promise<readonly KeyEncryption[]> | undefined
  #known: readonly KeyEncryption[] = []

  constructor(current: OpenKeeper, previous: readonly OpenKeeper[] = []) {
    this.#open = [current, ...previous]
  }

  async current(): Promise<string> {
    return (await this.#first()).current()
  }

  /** Of what `ready` has opened. */
  owns(wrappedBy: string): boolean {
    return this.#known.some((keeper) => keeper.owns(wrappedBy))
  }

  /** Opens all keepers; none is asked anything yet. */
  async ready(): Promise<void> {
    await this.#all()
  }

  async wrap(key: Secret<Buffer>, place: KeyPlace): Promise<WrappedKey> {
    return (await this.#first()).wrap(key, place)
  }

  async unwrap(key: WrappedKey, place: KeyPlace): Promise<Secret<Buffer>> {
    const owners = (await this.#all()).filter((one) => one.owns(key.wrappedBy))
    let failure: unknown = new SealBroken()
    for (const keeper of owners) {
      try {
        return await keeper.unwrap(key, place)
      } catch (thrown) {
        // Of two files, or two keys of one service, the name says not whose it is. One that cannot be asked may be the right one.
        if (failure instanceof SealBroken) failure = thrown
      }
    }
    throw failure
  }

  /** Whether a keeper of before has the very key, so that it is not lost when the first one does not. */
  async isHeldBefore(wrappedBy: string): Promise<boolean> {
    for (const keeper of (await this.#all()).slice(1)) if (await keeper.holds?.(wrappedBy)) return true
    return false
  }

  /** Undefined where others look after that. */
  async renew(): Promise<string> {
    const keeper = await this.#first()
    return keeper.renew?.() ?? keeper.current()
  }

  async canRenew(): Promise<boolean> {
    return (await this.#first()).renew !== undefined
  }

  /** Only of the keeper that wraps: those of before are ended by who takes them out of the configuration. */
  async forget(inUse: ReadonlySet<string>): Promise<void> {
    await (await this.#first()).forget?.(inUse)
  }

  async #first(): Promise<KeyEncryption> {
    return (await this.#all())[0] as KeyEncryption
  }

  async #all(): Promise<readonly KeyEncryption[]> {
    this.#opened ??= Promise.all(this.#open.map((open) => open()))
    try {
      this.#known = await this.#opened
    } catch (thrown) {
      this.#opened = undefined
      throw thrown
    }
    return this.#known
  }
}
