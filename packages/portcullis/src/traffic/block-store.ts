/** The port behind dynamic blocks: a list of news that every node reads in the same order. */
import type { Entry } from './blocks.ts'

export interface BlockNews extends Entry {
  /** Positive, larger for later entries, never used twice, not even after `prune`. */
  readonly sequence: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Every verb rejects when the store cannot answer. */
export interface BlockStore {
  /**
   * Durable when it resolves with the entry's sequence. Takes the place of earlier ones of the same kind, tenant and value;
   * one whose `untilMs` is not after `at` takes them back.
   */
  put(entry: Entry, at: number): Promise<number>
  /** Up to `maxEntries` entries after `sequence`, in order. An entry never becomes visible after one with a higher sequence. */
  since(sequence: number, maxEntries: number): Promise<readonly BlockNews[]>
  /** Drops what a later entry has replaced, and what ended before `before`. Resolves with how many. */
  prune(before: number): Promise<number>
}
