/** The vault: credentials for upstreams, by tenant, upstream and principal. At rest there are only sealed values. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { Secret } from '../../core/secret.ts'
import { SealBroken } from '../envelope.ts'
import type { Keyring } from '../keyring.ts'
import { mayBeStale, type SealedRows } from '../reseal.ts'
import type { CredentialStore, VaultEntry, VaultName } from './credential-store.ts'

/** A credential that was taken out. */
export interface Deposit {
  readonly value: Secret
  readonly revision: string
}

/** What may be shown of a credential. */
export type Listed = Omit<VaultEntry, 'sealed'>

export interface VaultOptions {
  readonly store: CredentialStore
  readonly keyring: Keyring
  readonly clock: Clock
}

const TABLE = 'upstream_credential'

export class Vault {
  readonly #options: VaultOptions

  constructor(options: VaultOptions) {
    this.#options = options
  }

  /** Undefined when there is none. Rejects with SealBroken when it cannot be opened, also after its tenant was shredded. */
  async get(name: VaultName): Promise<Deposit | undefined> {
    const entry = await this.#options.store.find(name)
    if (entry === undefined) return undefined
    const seal = await this.#options.keyring.existing(name.tenant)
    if (seal === undefined) throw new SealBroken()
    return { value: new Secret(seal.open(entry.sealed, cellOf(name))), revision: entry.revision }
  }

  /** Puts a value in the place of whatever was there. Returns its revision. */
  async put(name: VaultName, value: Secret): Promise<string> {
    const entry = await this.#sealed(name, value)
    await this.#options.store.put(entry)
    return entry.revision
  }

  /** Puts a value in the place of the one that was read. Undefined when somebody else has changed it meanwhile. */
  async replace(name: VaultName, value: Secret, revision: string): Promise<string | undefined> {
    const entry = await this.#sealed(name, value)
    return (await this.#options.store.replace(entry, revision)) ? entry.revision : undefined
  }

  /** Says whether there was one. With a revision only that one is removed. */
  remove(name: VaultName, revision?: string): Promise<boolean> {
    return this.#options.store.remove(name, revision)
  }

  /** Names and times, no values. */
  async list(tenant: string): Promise<readonly Listed[]> {
    return (await this.#options.store.list(tenant)).map(({ sealed: _sealed, ...shown }) => shown)
  }

  /** What can be sealed anew after a tenant got a new data key. */
  get rows(): SealedRows {
    const { store } = this.#options
    return {
      stale: async (tenant, seal) =>
        (await store.list(tenant)).filter((entry) => mayBeStale(seal, entry.sealed)).map((entry) => idOf(entry)),
      async reseal(tenant, id, seal) {
        const entry = await store.find(nameFrom(tenant, id))
        if (entry === undefined || !seal.isStale(entry.sealed)) return false
        const sealed = seal.seal(seal.open(entry.sealed, cellOf(entry)), cellOf(entry))
        return store.replace({ ...entry, sealed }, entry.revision)
      },
    }
  }

  /** Removes a tenant's credentials and the keys that sealed them, so that no copy of the store opens any more. */
  async shred(tenant: string): Promise<number> {
    await this.#options.keyring.shred(tenant)
    return this.#options.store.removeAll(tenant)
  }

  /** Removes what belongs to one principal. */
  removePrincipal(tenant: string, principal: string): Promise<number> {
    return this.#options.store.removeAll(tenant, principal)
  }

  async #sealed(name: VaultName, value: Secret): Promise<VaultEntry> {
    const seal = await this.#options.keyring.of(name.tenant)
    const { tenant, upstream, principal, kind } = name
    return {
      tenant,
      upstream,
      ...(principal !== undefined && { principal }),
      kind,
      sealed: seal.seal(value.reveal(), cellOf(name)),
      revision: randomUUID(),
      updatedAt: this.#options.clock.now(),
    }
  }
}

const idOf = ({ upstream, principal, kind }: VaultName): string => JSON.stringify([upstream, principal ?? null, kind])

function nameFrom(tenant: string, id: string): VaultName {
  const [upstream, principal, kind] = JSON.parse(id) as [string, string | null, VaultName['kind']]
  return { tenant, upstream, ...(principal !== null && { principal }), kind }
}

const cellOf = (name: VaultName) => ({ table: TABLE, column: 'sealed', row: idOf(name) })
