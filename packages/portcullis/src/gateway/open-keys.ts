/** The keys that seal what lies at rest: one keyring of a gateway, and the proof at its start that it can be used. */
import type { Logger } from '../audit/log.ts'
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { Prover } from '../core/tls-agent.ts'
import { CopiedTenantKeys } from '../data-protection/copied-tenant-keys.ts'
import { Encryptions } from '../data-protection/encryptions.ts'
import { randomKey, SealBroken } from '../data-protection/envelope.ts'
import { KeyServiceError } from '../data-protection/key-encryption.ts'
import { Keyring } from '../data-protection/keyring.ts'
import { KeyWork } from '../data-protection/reseal.ts'
import type { TenantKeyStore } from '../data-protection/tenant-key-store.ts'
import { Vault } from '../data-protection/vault/vault.ts'
import type { Stores } from '../stores/stores.ts'
import { accountRows } from './account-rows.ts'
import { openKeeper, privateText } from './open-keeper.ts'

export interface KeyParts {
  readonly config: Pick<Config, 'dataProtection'>
  readonly layout: StateLayout
  readonly stores: Pick<Stores, 'accounts' | 'credentials' | 'dataKeys' | 'tenantKeys'>
  readonly clock: Clock
  readonly environment: Environment
  readonly prover: Prover
}

/** What everybody who seals shares. */
export interface OpenKeys {
  readonly encryption: Encryptions
  readonly keyring: Keyring
  readonly vault: Vault
  readonly work: KeyWork
  readonly tenantKeys: TenantKeyStore
  /**
   * At the start: who keeps the key-encryption key is asked to wrap and to unwrap, and keeps every key that wraps something.
   * Rejects with KeyServiceError, SecretError or PkiError.
   */
  prove(log: Pick<Logger, 'info' | 'warn'>): Promise<void>
  close(): Promise<void>
}

/** Touches nothing yet: a gateway that seals nothing has no keys. */
export function openKeys(parts: KeyParts): OpenKeys {
  const { config, stores, clock } = parts
  const { keyEncryption, previous, refreshSeconds, outageSeconds, tenantKeys: kept } = config.dataProtection
  const copied = kept.copy === undefined ? undefined : new CopiedTenantKeys(stores.tenantKeys, privateText(kept.copy))
  const tenantKeys = copied ?? stores.tenantKeys
  const wraps = async (owns: (wrappedBy: string) => boolean) => {
    const names = new Set((await tenantKeys.list()).map(({ wrappedBy }) => wrappedBy))
    for (const name of names) if (owns(name) && !(await encryption.isHeldBefore(name))) return true
    return false
  }
  const opening = (keeper: typeof keyEncryption) => () => openKeeper(keeper, { ...parts, wraps })
  const encryption = new Encryptions(opening(keyEncryption), previous.map(opening))
  const memory = { refreshMs: refreshSeconds * 1_000, outageMs: outageSeconds * 1_000 }
  const keyring = new Keyring({ keys: stores.dataKeys, tenantKeys, encryption, clock, memory })
  const vault = new Vault({ store: stores.credentials, keyring, clock })
  const work = new KeyWork({ keyring, rows: [vault.rows, accountRows(stores.accounts)] })
  return {
    ...{ encryption, keyring, vault, work, tenantKeys },
    close: () => work.close(),
    async prove(log) {
      const tenants = await stores.dataKeys.tenants()
      const isRemote = keyEncryption.driver !== 'file'
      // A gateway that has sealed nothing makes no files; a keeper that is not here may be gone before it is needed.
      if (tenants.length === 0 && !isRemote) return
      const taken = (await copied?.settle()) ?? 0
      if (taken > 0) log.info('the tenant keys were taken from their copy', { keys: taken })
      await encryption.ready()
      await requireKnown(tenantKeys, encryption)
      await requireOpening(tenantKeys, encryption)
      if (isRemote) await proveKeeper(encryption)
      await tellMissing(tenants, tenantKeys, log)
    },
  }
}

/** What cannot be unwrapped again must not be believed to be sealed. */
async function proveKeeper(encryption: Encryptions): Promise<void> {
  const [key, place] = [randomKey(), { tenant: '@proof', id: '0' }]
  const wrapped = await encryption.wrap(key, place)
  const back = await encryption.unwrap(wrapped, place)
  if (!back.reveal().equals(key.reveal()))
    throw new KeyServiceError(
      'refused',
      'the keeper of the key-encryption key gives back another key than it was given',
    )
  // A service that does not know what is to be bound in, such as a Vault before 1.13, would leave it out in silence.
  const isBound = await encryption.unwrap(wrapped, { ...place, tenant: '@elsewhere' }).then(
    () => false,
    (thrown: unknown) => thrown instanceof SealBroken,
  )
  if (!isBound)
    throw new KeyServiceError('refused', 'the keeper of the key-encryption key does not bind a key to its tenant')
}

/** A keeper that was taken out of the configuration too early would be missed at the first call that needs it. */
async function requireKnown(tenantKeys: TenantKeyStore, encryption: Encryptions): Promise<void> {
  const stranger = (await tenantKeys.list()).find(({ wrappedBy }) => !encryption.owns(wrappedBy))
  if (stranger === undefined) return
  const keeper = stranger.wrappedBy.split(':')[0]
  const mend = 'name that keeper in dataProtection.previous until portcullis keys rewrap has been run'
  throw new KeyServiceError('refused', `keys are wrapped by a ${keeper} that is not configured; ${mend}`)
}

/** One of each key that wraps anything: a file that is gone or open to others shows at the start, not at the first call. */
async function requireOpening(tenantKeys: TenantKeyStore, encryption: Encryptions): Promise<void> {
  const samples = new Map((await tenantKeys.list()).map((key) => [key.wrappedBy, key]))
  for (const [wrappedBy, key] of samples) {
    try {
      await encryption.unwrap(key, key)
    } catch (thrown) {
      if (!(thrown instanceof SealBroken)) throw thrown
      throw new KeyServiceError('refused', `what ${wrappedBy} has wrapped does not open any more; bring back that key`)
    }
  }
}

/** They were shredded, or the store came back without them. */
async function tellMissing(tenants: readonly string[], tenantKeys: TenantKeyStore, log: Pick<Logger, 'warn'>) {
  const known = new Set((await tenantKeys.list()).map(({ tenant }) => tenant))
  const missing = tenants.filter((tenant) => !known.has(tenant))
  if (missing.length > 0)
    log.warn('what was sealed for these tenants cannot be opened: their keys are gone', { tenants: missing })
}
