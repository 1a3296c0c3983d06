/** What is left of a text that is markup. */
export interface Cleaned {
  readonly text: string
  /** Names of what could have done something, at most eight; an empty list when only what is dull was taken away. */
  readonly active: readonly string[]
  /** Pictures of other hosts, which are not fetched any more. */
  readonly hasExternalImages: boolean
}

const MAX_NAMED = 8
const MAX_NAME_LENGTH = 40

/** Collects names for `Cleaned.active`. */
export class ActiveNames {
  readonly #names = new Set<string>()

  get isFull(): boolean {
    return this.#names.size >= MAX_NAMED
  }

  get isEmpty(): boolean {
    return this.#names.size === 0
  }

  add(name: string): void {
    if (!this.isFull) this.#names.add(name.slice(0, MAX_NAME_LENGTH))
  }

  list(): readonly string[] {
    return [...this.#names]
  }
}
