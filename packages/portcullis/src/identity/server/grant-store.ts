/** The port behind the authorization server: codes, tokens, sessions, grants and whatever else ends by itself. */

/** Instants are milliseconds since the epoch. No member holds a secret: what a caller has to present is a digest here. */
export interface GrantEntry {
  /** What it is, such as `AuthorizationCode`; ids of different kinds do not meet. */
  readonly kind: string
  /** Digest of what a caller presents. */
  readonly digest: string
  /** JSON. */
  readonly payload: string
  readonly expiresAt: number
  /** The consent that it stems from: everything that has the same one is a family and ends together. */
  readonly grant?: string
  /** Account that it belongs to. */
  readonly account?: string
  /** Second name, by which it can be looked up: the public id of a session, or the digest of a user code. */
  readonly alias?: string
}

export interface StoredGrantEntry extends GrantEntry {
  readonly consumedAt?: number
}

/** Every verb is atomic and rejects when the store cannot answer. */
export interface GrantStore {
  /** Writes or rewrites. What was consumed stays consumed, and an alias or a family that is left out stays. */
  put(entry: GrantEntry): Promise<void>
  /** Writes unless there is one. False, without effect, if there is: how a replay is noticed. */
  add(entry: GrantEntry): Promise<boolean>
  find(kind: string, digest: string): Promise<StoredGrantEntry | undefined>
  findByAlias(kind: string, alias: string): Promise<StoredGrantEntry | undefined>
  /** True for exactly one of any number of callers. */
  consume(kind: string, digest: string, at: number): Promise<boolean>
  /** The removed entry, for exactly one of any number of callers. */
  remove(kind: string, digest: string): Promise<StoredGrantEntry | undefined>
  /** Ends a family; resolves with how many entries it had. */
  removeGrant(grant: string): Promise<number>
  /** Ends everything that belongs to the account; resolves with what that was, by kind and digest. */
  removeAccount(account: string): Promise<readonly StoredGrantEntry[]>
  /** Everything that belongs to any of these accounts, by kind and digest. */
  ofAccounts(accounts: readonly string[]): Promise<readonly StoredGrantEntry[]>
  /** How many there are of a kind, those that are over and not swept yet included. */
  count(kind: string): Promise<number>
  /** Drops entries whose `expiresAt` is not after `now`; resolves with how many. */
  sweep(now: number): Promise<number>
}
