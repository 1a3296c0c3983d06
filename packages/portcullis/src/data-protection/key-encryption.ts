/** The port behind which the key-encryption key lives: in a file today, in a key management service tomorrow. */
import type { Secret } from '../core/secret.ts'

/** A data key as it may lie in the store. */
export interface WrappedKey {
  /** Which key-encryption key wrapped it. */
  readonly wrappedBy: string
  /** Base64url; opaque to everybody but the driver. */
  readonly wrapped: string
}

/** What a wrapped key belongs to. A driver binds it in: a key wrapped for one tenant or version unwraps for no other. */
export interface KeyPlace {
  readonly tenant: string
  readonly version: number
}

export interface KeyEncryption {
  /** Id of the key that wraps now; keys wrapped by others still unwrap for as long as the driver has them. */
  current(): Promise<string>
  wrap(key: Secret<Buffer>, place: KeyPlace): Promise<WrappedKey>
  /** Rejects with SealBroken for a key that was changed, moved, or wrapped by a key that is gone. */
  unwrap(key: WrappedKey, place: KeyPlace): Promise<Secret<Buffer>>
}
