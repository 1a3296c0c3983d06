/** Decides what happens when a parser in WebAssembly breaks. */

/** Reads a text: its statements, or the reason why there are none. */
export type Parse = (text: string) => Parsed
export type Parsed =
  | { readonly statements: readonly unknown[] }
  | { readonly reason: 'sql.unparsable' | 'sql.parser-unavailable' }

/** A module keeps its memory for the life of the process when it is replaced, so that this cannot go on for ever. */
const MAX_GENERATIONS = 100

/**
 * Keeps a WebAssembly parser usable. After a trap its memory is in a state that nobody knows: it is not asked again, a spare one
 * takes its place at once, and another spare is loaded behind it.
 */
export class Breakable<M> {
  readonly #load: (generation: number) => Promise<M>
  #module: M | undefined
  #spare: M | undefined
  #generation = 0

  private constructor(load: (generation: number) => Promise<M>) {
    this.#load = load
  }

  /** `load` must yield a module that shares nothing with those of other generations. Throws what the first two throw. */
  static async load<M>(load: (generation: number) => Promise<M>): Promise<Breakable<M>> {
    const breakable = new Breakable(load)
    breakable.#module = await breakable.#next()
    breakable.#spare = await breakable.#next()
    return breakable
  }

  /** `isRefusal` tells what the parser throws about a text from what it throws when it breaks. Throws nothing. */
  use(parse: (module: M) => readonly unknown[], isRefusal: (thrown: unknown) => boolean): Parsed {
    if (this.#module === undefined) return { reason: 'sql.parser-unavailable' }
    try {
      return { statements: parse(this.#module) }
    } catch (thrown) {
      if (!isRefusal(thrown)) this.#replace()
      return { reason: 'sql.unparsable' }
    }
  }

  #replace(): void {
    this.#module = this.#spare
    this.#spare = undefined
    if (this.#generation >= MAX_GENERATIONS) return
    // When no other can be loaded, the role refuses every statement: nothing is let through unread.
    this.#next().then(
      (module) => {
        if (this.#module === undefined) this.#module = module
        else this.#spare = module
      },
      () => {},
    )
  }

  #next(): Promise<M> {
    return this.#load(this.#generation++)
  }
}
