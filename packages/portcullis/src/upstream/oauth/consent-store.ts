/** The port behind consents that somebody was asked for: shared by all nodes, because people come back to any of them. */

/** `ticket`: an invitation. `journey`: somebody who was sent away. */
export type ConsentKind = 'ticket' | 'journey'

export interface KeptConsent {
  readonly tenant: string
  /** JSON with secrets: it lies sealed. */
  readonly text: string
  /** Milliseconds since the epoch. After it the entry may be forgotten at any time. */
  readonly endsAt: number
}

/** Ids are secrets and lie as digests. Every verb is atomic and rejects when the store cannot answer. */
export interface ConsentStore {
  /** `wish` is a second name for a ticket; the newest of a wish is the one that is found by it. */
  put(kind: ConsentKind, id: string, kept: KeptConsent, wish?: string): Promise<void>
  find(kind: ConsentKind, id: string): Promise<KeptConsent | undefined>
  findByWish(wish: string): Promise<KeptConsent | undefined>
  /** Removes it and gives it to exactly one of any number of callers. */
  take(kind: ConsentKind, id: string): Promise<KeptConsent | undefined>
  /** True for exactly one of any number of callers with the same id and number. */
  mark(id: string, number: number, endsAt: number): Promise<boolean>
}
