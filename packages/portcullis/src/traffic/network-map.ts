/** Networks that come and go one by one: a table for each length of prefix that occurs. */
import { masked } from './network.ts'

/** The key of IPv4 is its word; that of IPv6, which is rarer, its four as text. */
type Key = number | string

/** `words` are 32 bits each, the highest first: one for IPv4, four for IPv6. */
export class NetworkMap<Note> {
  readonly #families = { 1: new Map<number, Map<Key, Note>>(), 4: new Map<number, Map<Key, Note>>() }

  set(words: readonly number[], prefix: number, note: Note): void {
    const family = this.#familyOf(words)
    const notes = family.get(prefix) ?? new Map<Key, Note>()
    family.set(prefix, notes.set(keyOf(words, prefix), note))
  }

  delete(words: readonly number[], prefix: number): void {
    const family = this.#familyOf(words)
    const notes = family.get(prefix)
    notes?.delete(keyOf(words, prefix))
    if (notes?.size === 0) family.delete(prefix)
  }

  /** A note of a network that holds the address and is accepted. */
  find(words: readonly number[], accepts: (note: Note) => boolean): Note | undefined {
    for (const [prefix, notes] of this.#familyOf(words)) {
      const note = notes.get(keyOf(words, prefix))
      if (note !== undefined && accepts(note)) return note
    }
    return undefined
  }

  #familyOf(words: readonly number[]): Map<number, Map<Key, Note>> {
    return this.#families[words.length === 1 ? 1 : 4]
  }
}

function keyOf(words: readonly number[], prefix: number): Key {
  if (words.length === 1) return masked(words[0] as number, prefix)
  return words.map((word, at) => masked(word, prefix - 32 * at)).join(':')
}
