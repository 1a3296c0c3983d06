/**
 * Keeps a copy of the tenant keys in step, on another disk: a backup without them is worth nothing after the loss of a
 * machine, and they may not be in one. Every change reaches the copy first: a key that is in use and not in the copy would be
 * lost with the machine, and what is shredded must not outlive the store there.
 */
import { KeyServiceError, type WrappedKey } from './key-encryption.ts'
import type { PrivateText } from './local-keys.ts'
import type { TenantKey, TenantKeyStore } from './tenant-key-store.ts'

export class CopiedTenantKeys implements TenantKeyStore {
  readonly #store: TenantKeyStore
  readonly #copy: PrivateText
  /** Two that write at once would each leave out what the other has. */
  #turn: Promise<unknown> = Promise.resolve()
  /** How many keys the store took from the copy at first; undefined until then. */
  #taken: number | undefined

  constructor(store: TenantKeyStore, copy: PrivateText) {
    this.#store = store
    this.#copy = copy
  }

  add(key: TenantKey): Promise<boolean> {
    return this.#next(async () => {
      if ((await this.#store.find(key.tenant)) !== undefined) return false
      await this.#write([...(await this.#store.list()), key])
      return (await this.#store.add(key)) || this.#undone()
    })
  }

  find(tenant: string): Promise<TenantKey | undefined> {
    return this.#store.find(tenant)
  }

  list(): Promise<readonly TenantKey[]> {
    return this.#store.list()
  }

  rewrap(old: TenantKey, now: WrappedKey): Promise<boolean> {
    return this.#next(async () => {
      const keys = await this.#store.list()
      await this.#write(keys.map((key) => (key.tenant === old.tenant && key.id === old.id ? { ...key, ...now } : key)))
      return (await this.#store.rewrap(old, now)) || this.#undone()
    })
  }

  shred(tenant: string): Promise<boolean> {
    return this.#next(async () => {
      await this.#write((await this.#store.list()).filter((key) => key.tenant !== tenant))
      return this.#store.shred(tenant)
    })
  }

  /**
   * At the start, and before the first change at the latest: a store that has lost everything takes what the copy has;
   * otherwise the copy becomes as the store is. Returns how many were taken.
   */
  settle(): Promise<number> {
    return this.#next(async () => this.#taken ?? 0)
  }

  async #settle(): Promise<void> {
    if (this.#taken !== undefined) return
    const keys = await this.#store.list()
    const text = keys.length > 0 ? undefined : await this.#copy.read()
    const lost = text === undefined ? [] : parse(text)
    for (const key of lost) await this.#store.add(key)
    if (keys.length > 0) await this.#write(keys)
    this.#taken = lost.length
  }

  /** Somebody else was faster: the copy is as the store is again. */
  async #undone(): Promise<false> {
    await this.#write(await this.#store.list())
    return false
  }

  async #write(keys: readonly TenantKey[]): Promise<void> {
    await this.#copy.write(keys.map((key) => `${JSON.stringify(key)}\n`).join(''))
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(() => this.#settle()).then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }
}

function parse(text: string): readonly TenantKey[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const damaged = () =>
        new KeyServiceError('refused', 'the copy of the tenant keys does not hold what was written there')
      let key: Partial<TenantKey>
      try {
        key = JSON.parse(line) as Partial<TenantKey>
      } catch {
        throw damaged()
      }
      const { tenant, id, wrappedBy, wrapped, createdAt } = key
      if ([tenant, id, wrappedBy, wrapped].some((part) => typeof part !== 'string') || typeof createdAt !== 'number')
        throw damaged()
      return key as TenantKey
    })
}
