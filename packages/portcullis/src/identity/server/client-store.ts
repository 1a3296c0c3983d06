/** The port behind OAuth clients that are known by name: those an operator added, and those that registered themselves. */

/** Instants are milliseconds since the epoch. */
export interface OAuthClient {
  readonly id: string
  /** Only accounts of this tenant may use it; what it does in its own name it does there. */
  readonly tenant: string
  readonly name: string
  /** RFC 7591 metadata without secrets, JSON. */
  readonly metadata: string
  /** Digest of the secret; absent for clients that prove themselves by a key, or not at all. */
  readonly secretDigest?: string
  /** What it may be in its own name (client credentials). */
  readonly roles: readonly string[]
  readonly origin: 'operator' | 'registration'
  readonly createdAt: number
  /** Since then it is as if it were not there. */
  readonly disabledAt?: number
}

/** Null removes the member. */
export interface ClientChange {
  readonly secretDigest?: string
  readonly disabledAt?: number | null
}

/** Every verb is atomic and rejects when the store cannot answer. */
export interface ClientStore {
  /** False, without effect, when the id is taken. */
  insert(client: OAuthClient): Promise<boolean>
  find(id: string): Promise<OAuthClient | undefined>
  /** Oldest first. */
  list(tenant: string): Promise<readonly OAuthClient[]>
  /** False when the tenant has no such client. */
  update(tenant: string, id: string, change: ClientChange): Promise<boolean>
  /** True for exactly one of any number of callers. */
  remove(tenant: string, id: string): Promise<boolean>
  /** How many registered themselves. */
  countRegistered(): Promise<number>
}
