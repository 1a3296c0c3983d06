/** What the record of a new checkpoint key can say. See `succession.ts` for the signed statement. */

/** The new key is in force from the record of this on, and the old one never again. */
export interface Succession {
  /** Ids of keys. */
  readonly old: string
  readonly key: string
  /** The new public key: SubjectPublicKeyInfo, DER, base64url without padding. */
  readonly publicKey: string
  /** Milliseconds since the epoch. */
  readonly since: number
  /** The old key was gone, so it could not sign: whoever verifies must know the new key from elsewhere. */
  readonly lost?: true
  /** By the old key: Ed25519, base64url without padding. */
  readonly signature?: string
  /** By the new key, over the same bytes: nobody takes over a key that he does not have. */
  readonly proof: string
}

/** Another key signs from here on. */
export interface KeyBody extends Succession {
  readonly kind: 'key'
}
