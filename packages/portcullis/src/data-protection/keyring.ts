/** Decides which key seals for a tenant. Data keys are unwrapped once; which of them exist is asked of the store each time. */
import type { Clock } from '../core/clock.ts'
import type { Secret } from '../core/secret.ts'
import type { DataKey, DataKeyStore } from './data-key-store.ts'
import { type Cell, openText, sealText, versionOf } from './envelope.ts'
import type { KeyEncryption } from './key-encryption.ts'
import { randomKey } from './key-file.ts'

export interface KeyringOptions {
  readonly keys: DataKeyStore
  readonly encryption: KeyEncryption
  readonly clock: Clock
}

/** Seals and opens for one tenant, with the keys that it has now. Hold it for one operation, not for longer. */
export interface TenantSeal {
  /** Version of the key that seals. */
  readonly version: number
  seal(text: string, cell: Omit<Cell, 'tenant'>): string
  /** Throws SealBroken. */
  open(sealed: string, cell: Omit<Cell, 'tenant'>): string
  /** Whether a value was sealed by an older key and ought to be sealed anew. Throws SealBroken. */
  isStale(sealed: string): boolean
}

const MAX_REMEMBERED = 10_000

export class Keyring {
  readonly #options: KeyringOptions
  /** Unwrapped keys by what lies in the store, so that a key that was shredded there opens nothing here. */
  readonly #unwrapped = new Map<string, Secret<Buffer>>()

  constructor(options: KeyringOptions) {
    this.#options = options
  }

  /** The seal of a tenant; its first data key is made when it has none. Rejects with SealBroken, or what the store throws. */
  async of(tenant: string): Promise<TenantSeal> {
    return this.#sealOf(tenant, (await this.#known(tenant)) ?? (await this.#advance(tenant)))
  }

  /** As `of`, but undefined for a tenant that has no key: then nothing of it can be opened. */
  async existing(tenant: string): Promise<TenantSeal | undefined> {
    const keys = await this.#known(tenant)
    return keys && this.#sealOf(tenant, keys)
  }

  /** Gives a tenant a new data key. What older ones have sealed still opens. Returns the new version. */
  async rotate(tenant: string): Promise<number> {
    return ((await this.#advance(tenant)).at(-1) as DataKey).version
  }

  /** Wraps every data key by the current key-encryption key. Returns how many were changed. */
  async rewrapAll(): Promise<number> {
    const { keys, encryption } = this.#options
    const current = await encryption.current()
    let changed = 0
    for (const tenant of await keys.tenants()) {
      for (const key of await keys.ofTenant(tenant)) {
        if (key.wrappedBy === current) continue
        const wrapped = await encryption.wrap(await this.#unwrap(key), key)
        if (await keys.rewrap(key, wrapped)) changed++
      }
    }
    return changed
  }

  /** Removes the keys of a tenant: everything that was sealed for it is lost, in backups without these keys too. */
  async shred(tenant: string): Promise<number> {
    const removed = await this.#options.keys.shred(tenant)
    this.#unwrapped.clear()
    return removed
  }

  async #known(tenant: string): Promise<readonly DataKey[] | undefined> {
    const keys = await this.#options.keys.ofTenant(tenant)
    return keys.length === 0 ? undefined : keys
  }

  /** Of several that do this at once one adds the version, and all use that one. */
  async #advance(tenant: string): Promise<readonly DataKey[]> {
    const { keys, encryption, clock } = this.#options
    const version = ((await keys.ofTenant(tenant)).at(-1)?.version ?? 0) + 1
    const wrapped = await encryption.wrap(randomKey(), { tenant, version })
    await keys.add({ tenant, version, ...wrapped, createdAt: clock.now() })
    return keys.ofTenant(tenant)
  }

  async #sealOf(tenant: string, keys: readonly DataKey[]): Promise<TenantSeal> {
    const byVersion = new Map<number, Secret<Buffer>>()
    for (const key of keys) byVersion.set(key.version, await this.#unwrap(key))
    const { version } = keys.at(-1) as DataKey
    const key = byVersion.get(version) as Secret<Buffer>
    return {
      version,
      seal: (text, cell) => sealText(text, { ...cell, tenant }, version, key),
      open: (sealed, cell) => openText(sealed, { ...cell, tenant }, (wanted) => byVersion.get(wanted)),
      isStale: (sealed) => versionOf(sealed) !== version,
    }
  }

  async #unwrap(key: DataKey): Promise<Secret<Buffer>> {
    const name = JSON.stringify([key.tenant, key.version, key.wrappedBy, key.wrapped])
    const known = this.#unwrapped.get(name)
    if (known !== undefined) return known
    const unwrapped = await this.#options.encryption.unwrap(key, key)
    if (this.#unwrapped.size >= MAX_REMEMBERED) this.#unwrapped.clear()
    this.#unwrapped.set(name, unwrapped)
    return unwrapped
  }
}
