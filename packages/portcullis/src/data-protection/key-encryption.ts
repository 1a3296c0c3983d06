/** The port behind which the key-encryption key lives: in a file, in the keychain of the system, or in a key management service. */
import type { Secret } from '../core/secret.ts'
import { bindingOf } from './envelope.ts'

/** A key as it may lie in a store. */
export interface WrappedKey {
  /** Which key wrapped it; of a key-encryption key `<driver>:<id>`. */
  readonly wrappedBy: string
  /** Opaque to everybody but the driver. */
  readonly wrapped: string
}

/** What a wrapped key belongs to. A driver binds it in: what was wrapped for one tenant or key unwraps for no other. */
export interface KeyPlace {
  readonly tenant: string
  /** Id of the tenant key. */
  readonly id: string
}

/**
 * Every verb rejects with KeyServiceError when the keeper of the key does not answer, refuses, or answers what cannot be
 * right. Keys have 32 bytes.
 */
export interface KeyEncryption {
  /** The key that wraps now. */
  current(): Promise<string>
  /** Whether it can unwrap what that key wrapped. */
  owns(wrappedBy: string): boolean
  /** Whether it has that very key; absent where its keeper does not show. */
  holds?(wrappedBy: string): Promise<boolean>
  wrap(key: Secret<Buffer>, place: KeyPlace): Promise<WrappedKey>
  /** Rejects with SealBroken for a key that was changed, moved, or wrapped by a key that is gone. */
  unwrap(key: WrappedKey, place: KeyPlace): Promise<Secret<Buffer>>
  /** Makes a new key that wraps from now on, and returns it. Absent where others look after that. */
  renew?(): Promise<string>
  /** Forgets every key but the newest and those in use. */
  forget?(inUse: ReadonlySet<string>): Promise<void>
}

/** What is authenticated with a wrapped tenant key. */
export const placeBinding = ({ tenant, id }: KeyPlace): Buffer => bindingOf('tenant-key', tenant, id)

/**
 * Why a key could not be had. `unavailable`: it may be had again, so what is in memory serves on for a while. `refused`: the
 * keeper says no, or says what cannot be right. The message is safe to print.
 */
export class KeyServiceError extends Error {
  override readonly name = 'KeyServiceError'
  readonly kind: 'unavailable' | 'refused'

  constructor(kind: 'unavailable' | 'refused', message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause })
    this.kind = kind
  }
}
