/** The port behind everything that may be used once: `jti` of DPoP proofs (RFC 9449 §11.1), of assertions, of grants. */

/** Every verb rejects when the store cannot answer. None of them is ever answered from a guess. */
export interface ReplayStore {
  /**
   * True for exactly one of any number of callers with the same id in the same space, until the entry is pruned. `until` is
   * whole milliseconds since the epoch: after it the caller refuses the id for another reason, so it may be forgotten.
   */
  useOnce(space: string, id: string, until: number): Promise<boolean>
  /** Drops entries whose `until` is not after `now`; resolves with how many. */
  prune(now: number): Promise<number>
}
