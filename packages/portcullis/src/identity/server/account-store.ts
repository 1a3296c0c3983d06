/** The port behind local accounts: people who sign in here. */

/** Instants are milliseconds since the epoch. */
export interface Account {
  /** Never used twice; tokens name it as `sub`. */
  readonly id: string
  readonly tenant: string
  /** What a person types to sign in, in its canonical form; unique in the store. */
  readonly name: string
  readonly roles: readonly string[]
  /** PHC string; absent until the person has set one. */
  readonly password?: string
  /** Sealed TOTP secret; absent without a second factor. */
  readonly totp?: string
  readonly createdAt: number
  readonly disabledAt?: number
  /** Attempts since the last success. */
  readonly failures: number
  /** Until then nothing is tried. */
  readonly lockedUntil: number
}

export type NewAccount = Omit<Account, 'failures' | 'lockedUntil'>

/** Null removes the member. */
export interface AccountChange {
  readonly roles?: readonly string[]
  readonly password?: string
  readonly totp?: string | null
  readonly disabledAt?: number | null
}

/** Every verb is atomic and rejects when the store cannot answer. */
export interface AccountStore {
  /** False, without effect, when the name or the id is taken. */
  insert(account: NewAccount): Promise<boolean>
  findById(id: string): Promise<Account | undefined>
  findByName(name: string): Promise<Account | undefined>
  /** Sorted by name. */
  list(tenant: string): Promise<readonly Account[]>
  /** False when the tenant has no such account. */
  update(tenant: string, id: string, change: AccountChange): Promise<boolean>
  /** Puts the same secret, sealed anew, in place of `old`. False, without effect, when another one is there now. */
  resealTotp(tenant: string, id: string, old: string, sealed: string): Promise<boolean>
  /** True for exactly one of any number of callers. */
  remove(tenant: string, id: string): Promise<boolean>
  /**
   * Counts an attempt before it is made and locks until `lockedUntil`, if that is later; so simultaneous guesses count as
   * many as they are. False, without effect, while the account is locked, or when its failures are not `failures` any more.
   */
  attempt(id: string, failures: number, now: number, lockedUntil: number): Promise<boolean>
  /** Forgets the attempts. False when the time step of the one-time code is not after the last one that was used. */
  succeed(id: string, totpStep: number): Promise<boolean>
}
