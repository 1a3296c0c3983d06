/** What a driver offers to the rooms: all of their ports over one connection or file. */
import type { ApiKeyStore } from '../identity/api-key-store.ts'
import type { RevocationStore } from '../identity/revocation-store.ts'

export interface Stores {
  readonly apiKeys: ApiKeyStore
  readonly revocations: RevocationStore
  /** Rejects when the store cannot be read now. */
  health(): Promise<void>
  /** Nothing may be asked afterwards. */
  close(): Promise<void>
}
