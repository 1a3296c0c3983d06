/** Where blocks go that all nodes are to hold, if there is such a list. */

export interface Block {
  readonly kind: 'address' | 'principal'
  /** Of the principal; of an address, the tenant whose chain tells of it. */
  readonly tenant: string
  readonly value: string
  /** For operators and the record. */
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly until: number
}

/** Port. */
export interface Blocks {
  /** Returns at once; who implements it tells of failures by itself. */
  block(block: Block): void
  /** Takes the block of a principal back that was made here. Rejects when it cannot be taken back everywhere. */
  lift(tenant: string, principal: string): Promise<void>
}
