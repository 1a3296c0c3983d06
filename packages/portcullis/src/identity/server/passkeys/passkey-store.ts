/** The port behind passkeys: which public keys prove which account. */

/** Instants are milliseconds since the epoch. No member is a secret: the private key never leaves the authenticator. */
export interface Passkey {
  /** Credential id (WebAuthn §4), base64url; unique in the store. */
  readonly id: string
  /** Account that it proves. */
  readonly account: string
  readonly tenant: string
  /** COSE key, base64url. */
  readonly publicKey: string
  /** Signature counter of the last use; stays 0 for authenticators that do not count. */
  readonly counter: number
  /** How a browser can reach the authenticator, such as `internal` or `usb`. */
  readonly transports: readonly string[]
  /** Whether it can be copied to other devices of the person. */
  readonly synced: boolean
  /** What the person calls it. */
  readonly label: string
  readonly createdAt: number
  readonly lastUsedAt?: number
}

/** Every verb is atomic and rejects when the store cannot answer. */
export interface PasskeyStore {
  /** False, without effect, when the id is taken or the account has `most` passkeys already. */
  add(passkey: Passkey, most: number): Promise<boolean>
  find(id: string): Promise<Passkey | undefined>
  /** Oldest first. */
  ofAccount(account: string): Promise<readonly Passkey[]>
  /**
   * Notes a use. False, without effect, unless the counter has grown, or both are 0 (WebAuthn §6.1.1): of two that show one
   * counter, one is a copy.
   */
  use(id: string, counter: number, at: number): Promise<boolean>
  /** True for exactly one of any number of callers. */
  remove(account: string, id: string): Promise<boolean>
  /** For an account that ends; resolves with how many it had. */
  removeAccount(account: string): Promise<number>
}
