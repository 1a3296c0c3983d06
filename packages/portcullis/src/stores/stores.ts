/** What a driver offers to the rooms: all of their ports over one connection or file. */
import type { DataKeyStore } from '../data-protection/data-key-store.ts'
import type { TenantKeyStore } from '../data-protection/tenant-key-store.ts'
import type { CredentialStore } from '../data-protection/vault/credential-store.ts'
import type { ApiKeyStore } from '../identity/api-key-store.ts'
import type { ReplayStore } from '../identity/replay-store.ts'
import type { RevocationStore } from '../identity/revocation-store.ts'
import type { AccountStore } from '../identity/server/account-store.ts'
import type { ClientStore } from '../identity/server/client-store.ts'
import type { GrantStore } from '../identity/server/grant-store.ts'
import type { PasskeyStore } from '../identity/server/passkeys/passkey-store.ts'
import type { AccountLinkStore } from '../identity/server/providers/account-link-store.ts'
import type { BlockStore } from '../traffic/block-store.ts'
import type { TurnStore } from './turn-store.ts'

/** Called when there may be news; `isAnew` when the server may be another one, which may not have all that was read already. */
export type NewsListener = (isAnew: boolean) => void

export interface Stores {
  readonly apiKeys: ApiKeyStore
  readonly revocations: RevocationStore
  readonly blocks: BlockStore
  /** A power cut may lose the last seconds of it: whoever keeps what must survive one needs another port. */
  readonly replays: ReplayStore
  readonly accounts: AccountStore
  readonly passkeys: PasskeyStore
  readonly accountLinks: AccountLinkStore
  readonly clients: ClientStore
  readonly grants: GrantStore
  readonly dataKeys: DataKeyStore
  /** Apart from all others: it must not get into a backup. */
  readonly tenantKeys: TenantKeyStore
  readonly credentials: CredentialStore
  readonly turns: TurnStore
  /**
   * Copies the store as it is at one moment, while it is written, into a new file of mode 0600; the tenant keys are not in it.
   * Absent where a driver keeps nothing that outlasts the gateway, or has tools of its own for that.
   */
  readonly backup?: (file: string) => Promise<void>
  /** Where other gateways work on the same store, far away. Absent where all are on this machine. */
  readonly shared?: { readonly onNews: (listener: NewsListener) => () => void }
  /** Rejects when the store cannot be read now. */
  health(): Promise<void>
  /** Nothing may be asked afterwards. */
  close(): Promise<void>
}
