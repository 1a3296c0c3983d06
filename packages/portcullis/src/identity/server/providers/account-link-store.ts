/** The port behind people who sign in at an outside OpenID provider: which of its subjects is which account here. */

/** Instants are milliseconds since the epoch. */
export interface AccountLink {
  /** Issuer and subject together are the key (OpenID Connect Core §5.7): neither a name nor an e-mail address is one. */
  readonly issuer: string
  readonly subject: string
  readonly account: string
  readonly tenant: string
  /** `provider`: the account was made for this sign-in, and the provider's claims say its roles. */
  readonly origin: 'operator' | 'provider'
  readonly createdAt: number
}

/** Every verb is atomic and rejects when the store cannot answer. */
export interface AccountLinkStore {
  /** False, without effect, when this subject of this issuer has an account already. */
  add(link: AccountLink): Promise<boolean>
  find(issuer: string, subject: string): Promise<AccountLink | undefined>
  /** Oldest first. */
  ofAccount(account: string): Promise<readonly AccountLink[]>
  /** True for exactly one of any number of callers. */
  remove(account: string, issuer: string, subject: string): Promise<boolean>
  /** For an account that ends; resolves with how many it had. */
  removeAccount(account: string): Promise<number>
}
