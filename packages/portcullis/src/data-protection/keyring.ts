/** Decides which key seals for a tenant. Which keys exist is asked of the stores each time, so what is shredded there ends here. */
import { hkdfSync, randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { Secret } from '../core/secret.ts'
import type { DataKey, DataKeyStore } from './data-key-store.ts'
import {
  bindingOf,
  type Cell,
  openBytes,
  openText,
  randomKey,
  sealBytes,
  SealBroken,
  sealText,
  versionOf,
} from './envelope.ts'
import { type KeyEncryption, KeyServiceError } from './key-encryption.ts'
import { type KeyMemory, type OpenTenantKey, OpenTenantKeys, unavailable } from './open-tenant-keys.ts'
import type { TenantKey, TenantKeyStore } from './tenant-key-store.ts'

export interface KeyringOptions {
  readonly keys: DataKeyStore
  readonly tenantKeys: TenantKeyStore
  readonly encryption: KeyEncryption
  readonly clock: Clock
  readonly memory?: KeyMemory
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
  /** A key for one purpose of its own (HKDF-SHA-256, RFC 5869) from the data key of a version; undefined when that is gone. */
  derived(purpose: string, version: number): Secret<Buffer> | undefined
}

/** Of tenant keys: how many were wrapped anew, and how many do not open. */
export interface Rewrapped {
  readonly changed: number
  readonly broken: number
}

/** What a tenant has of keys. */
interface Known {
  readonly tenantKey: TenantKey
  readonly keys: readonly DataKey[]
}

const HOUR_MS = 3_600_000
const MEMORY: KeyMemory = { refreshMs: HOUR_MS / 12, outageMs: HOUR_MS }

export class Keyring {
  readonly #options: KeyringOptions
  readonly #open: OpenTenantKeys
  /** Tenant keys that are being made: each is wrapped already, and not yet where a rewrapping would see it. */
  readonly #making = new Set<Promise<unknown>>()

  constructor(options: KeyringOptions) {
    this.#options = options
    this.#open = new OpenTenantKeys(options.encryption, options.memory ?? MEMORY, options.clock)
  }

  /** The seal of a tenant; its first keys are made when it has none. Rejects with SealBroken, `keys.unavailable`, or what the stores throw. */
  async of(tenant: string): Promise<TenantSeal> {
    return this.#sealOf((await this.#known(tenant)) ?? (await this.#advance(tenant)))
  }

  /** As `of`, but undefined for a tenant that has no key: then nothing of it can be opened. */
  async existing(tenant: string): Promise<TenantSeal | undefined> {
    const known = await this.#known(tenant)
    return known && this.#sealOf(known)
  }

  /** Gives a tenant a new data key. What older ones have sealed still opens. Returns the new version. */
  async rotate(tenant: string): Promise<number> {
    return ((await this.#advance(tenant)).keys.at(-1) as DataKey).version
  }

  /**
   * Wraps every tenant key by the current key-encryption key. Each is readable throughout, under the old key or the new one,
   * so it may be ended at any moment and begun again; also by `onStep`, if that throws. One that does not open stays as it is.
   */
  async rewrapAll(onStep: (done: number, total: number) => void = () => {}): Promise<Rewrapped> {
    const { tenantKeys, encryption } = this.#options
    await Promise.allSettled(this.#making)
    const current = await encryption.current()
    const old = (await tenantKeys.list()).filter(({ wrappedBy }) => wrappedBy !== current)
    let [changed, broken] = [0, 0]
    for (const [index, key] of old.entries()) {
      onStep(index, old.length)
      const opened = await this.#opened(key)
      if (opened === undefined) broken++
      else if (await tenantKeys.rewrap(key, await encryption.wrap(opened.key, key))) changed++
    }
    onStep(old.length, old.length)
    await encryption.forget?.(new Set((await tenantKeys.list()).map(({ wrappedBy }) => wrappedBy)))
    return { changed, broken }
  }

  /**
   * Destroys the key of a tenant, and with it what its data keys sealed, here and in every copy of the store: no copy holds
   * this key. Ended in between and begun again, it goes on. Returns how many data keys there were.
   */
  async shred(tenant: string): Promise<number> {
    await this.#options.tenantKeys.shred(tenant)
    this.#open.clear()
    return this.#options.keys.shred(tenant)
  }

  /** Undefined for one that is damaged: it must not keep all others from a new key. */
  async #opened(key: TenantKey): Promise<OpenTenantKey | undefined> {
    try {
      return await this.#open.of(key)
    } catch (thrown) {
      if (thrown instanceof SealBroken) return undefined
      throw thrown
    }
  }

  /** Undefined as well for data keys whose tenant key is gone: they came back with a copy from before the shredding. */
  async #known(tenant: string): Promise<Known | undefined> {
    const tenantKey = await this.#options.tenantKeys.find(tenant)
    if (tenantKey === undefined) return undefined
    const keys = (await this.#options.keys.ofTenant(tenant)).filter(({ wrappedBy }) => wrappedBy === tenantKey.id)
    return keys.length === 0 ? undefined : { tenantKey, keys }
  }

  /** Of several that do this at once one adds the version, and all use that one. */
  async #advance(tenant: string): Promise<Known> {
    const { keys, clock } = this.#options
    const tenantKey = await this.#tenantKey(tenant)
    const { key } = await this.#open.of(tenantKey)
    const version = ((await keys.ofTenant(tenant)).at(-1)?.version ?? 0) + 1
    const wrapped = sealBytes(randomKey().reveal(), dataBinding(tenant, version, tenantKey.id), key)
    const made = { tenant, version, wrappedBy: tenantKey.id, wrapped: wrapped.toString('base64url') }
    await keys.add({ ...made, createdAt: clock.now() })
    const known = await this.#known(tenant)
    // Its tenant was shredded at this very moment.
    if (known === undefined) throw new SealBroken()
    return known
  }

  async #tenantKey(tenant: string): Promise<TenantKey> {
    const { tenantKeys } = this.#options
    const known = await tenantKeys.find(tenant)
    if (known !== undefined) return known
    const making = this.#make(tenant)
    this.#making.add(making)
    try {
      const made = await making
      return (await tenantKeys.find(tenant)) ?? made
    } finally {
      this.#making.delete(making)
    }
  }

  async #make(tenant: string): Promise<TenantKey> {
    const { tenantKeys, encryption, clock } = this.#options
    const key = randomKey()
    const id = randomBytes(8).toString('hex')
    const wrapped = await encryption.wrap(key, { tenant, id }).catch((thrown: unknown) => {
      throw thrown instanceof KeyServiceError ? unavailable(thrown) : thrown
    })
    const made = { tenant, id, ...wrapped, createdAt: clock.now() }
    if (await tenantKeys.add(made)) this.#open.remember(made, key)
    return made
  }

  async #sealOf({ tenantKey, keys }: Known): Promise<TenantSeal> {
    const asked = this.#open.of(tenantKey)
    const open = asked instanceof Promise ? await asked : asked
    const { tenant } = tenantKey
    const byVersion = new Map(keys.map((key) => [key.version, unwrapped(key, open)]))
    const { version } = keys.at(-1) as DataKey
    const key = byVersion.get(version) as Secret<Buffer>
    return {
      version,
      seal: (text, cell) => sealText(text, { ...cell, tenant }, version, key),
      open: (sealed, cell) => openText(sealed, { ...cell, tenant }, (wanted) => byVersion.get(wanted)),
      isStale: (sealed) => versionOf(sealed) !== version,
      derived: (purpose, wanted) => derivedFrom(byVersion.get(wanted), purpose),
    }
  }
}

function derivedFrom(key: Secret<Buffer> | undefined, purpose: string): Secret<Buffer> | undefined {
  return key && new Secret(Buffer.from(hkdfSync('sha256', key.reveal(), '', purpose, 32)))
}

const dataBinding = (tenant: string, version: number, id: string): Buffer => bindingOf('data-key', tenant, version, id)

/** Throws SealBroken. */
function unwrapped({ tenant, version, wrappedBy, wrapped }: DataKey, { key, dataKeys }: OpenTenantKey): Secret<Buffer> {
  // With its version: what was put into the row of another version must not be found here.
  const name = `${version} ${wrapped}`
  const known = dataKeys.get(name)
  if (known !== undefined) return known
  const bytes = openBytes(Buffer.from(wrapped, 'base64url'), dataBinding(tenant, version, wrappedBy), key)
  const opened = new Secret(bytes)
  dataKeys.set(name, opened)
  return opened
}
