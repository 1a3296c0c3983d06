/** The port behind revocations: a list of news that every node reads in the same order. */

/** Takes away what a credential or a principal may do, from one instant until another (whole milliseconds since the epoch). */
export interface Revocation {
  /**
   * `token` names a token by its `jti` or digest and a client certificate by its thumbprint, `key` an API key by its id,
   * `principal` all of its credentials, `tenant` those of everybody in it (its id is its name).
   */
  readonly kind: 'token' | 'key' | 'principal' | 'tenant'
  readonly tenant: string
  readonly id: string
  readonly from: number
  /**
   * After this the entry may be forgotten: the credential has expired, or another store refuses it by itself. An entry
   * whose `until` is not after its `from` takes back the earlier ones of the same name.
   */
  readonly until: number
  readonly reason: string
}

export interface RevocationNews extends Revocation {
  /** Positive, larger for later entries, never used twice, not even after `prune`. */
  readonly sequence: number
}

/** Every verb rejects when the store cannot answer. */
export interface RevocationStore {
  /** Durable when it resolves with the entry's sequence. */
  revoke(revocation: Revocation): Promise<number>
  /**
   * Up to `maxEntries` entries after `sequence`, in order. An entry must never become visible after one with a higher
   * sequence: a reader that has seen 7 never asks for 6 again (a driver whose sequence is given before the commit has to
   * take a lock).
   */
  since(sequence: number, maxEntries: number): Promise<readonly RevocationNews[]>
  /**
   * Drops entries whose `until` is not after `now`; resolves with how many. One that takes back an earlier entry stays for
   * as long as that one would hold.
   */
  prune(now: number): Promise<number>
}
