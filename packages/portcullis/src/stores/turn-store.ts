/** The port behind changes that go one after another, whichever process makes them. */

/** Every verb is atomic, goes by the clock of the store, and rejects when the store cannot answer. */
export interface TurnStore {
  /** True when nobody else has the turn of that name, or whoever had it has let `forMs` run out: the holder has it now. */
  take(name: string, holder: string, forMs: number): Promise<boolean>
  /** Whether the holder still has it; then for `forMs` from now. */
  keep(name: string, holder: string, forMs: number): Promise<boolean>
  /** Gives it back. Nothing happens when another holder has it. */
  pass(name: string, holder: string): Promise<void>
  /**
   * Runs the work of a holder. Where nodes share the store, whatever the work writes into it, but turns, is refused with
   * StoreError `turn_lost` once another holder has the turn, and until it is written nobody else gets it.
   */
  guard<T>(name: string, holder: string, work: () => Promise<T>): Promise<T>
}
