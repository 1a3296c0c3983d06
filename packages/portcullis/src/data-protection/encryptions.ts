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
    const keeper = (await this.#all()).find((one) => one.owns(key.wrappedBy))
    if (keeper === undefined) throw new SealBroken()
    return keeper.unwrap(key, place)
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
