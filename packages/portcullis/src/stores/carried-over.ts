/** What was taken from a newer store into an older copy that takes its place, by each driver alike. */

export interface CarriedOver {
  readonly revocations: number
  readonly blocks: number
  /** Keys, accounts, clients, passkeys, links and deposited credentials that were ended or changed since. */
  readonly ended: number
  /** Tokens and proofs that were used up since. */
  readonly used: number
  /** Sessions, codes and refresh tokens that were ended since. */
  readonly grants: number
}
