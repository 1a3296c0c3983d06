/**
 * Keeps a copy of the tenant keys in step, on another disk: a backup without them is worth nothing after the loss of a
 * machine, and they may not be in one. What is shredded goes from the copy first.
 */
import { KeyServiceError, type WrappedKey } from './key-encryption.ts'
import type { PrivateText } from './local-keys.ts'
import type { TenantKey, TenantKeyStore } from './tenant-key-store.ts'

export class CopiedTenantKeys implements TenantKeyStore {
  readonly #store: TenantKeyStore
  readonly #copy: PrivateText
  /** Two that write at once would each leave out what the other has. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(store: TenantKeyStore, copy: PrivateText) {
    this.#store = store
    this.#copy = copy
  }

  add(key: TenantKey): Promise<boolean> {
    return this.#next(async () => {
      if (!(await this.#store.add(key))) return false
      await this.#write(await this.#store.list())
      return true
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
      if (!(await this.#store.rewrap(old, now))) return false
      await this.#write(await this.#store.list())
      return true
    })
  }

  shred(tenant: string): Promise<boolean> {
    return this.#next(async () => {
      await this.#write((await this.#store.list()).filter((key) => key.tenant !== tenant))
      return this.#store.shred(tenant)
    })
  }

  /** At the start: a store that has lost everything takes what the copy has; otherwise the copy becomes as the store is. Returns how many were taken. */
  settle(): Promise<number> {
    return this.#next(async () => {
      const keys = await this.#store.list()
      const text = keys.length > 0 ? undefined : await this.#copy.read()
      const lost = text === undefined ? [] : parse(text)
      for (const key of lost) await this.#store.add(key)
      if (lost.length === 0) await this.#write(keys)
      return lost.length
    })
  }

  async #write(keys: readonly TenantKey[]): Promise<void> {
    await this.#copy.write(keys.map((key) => `${JSON.stringify(key)}\n`).join(''))
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
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
