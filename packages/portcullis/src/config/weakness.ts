/** How a given-up guarantee is told. */
export interface Weakness {
  /** Dotted path into the configuration. */
  readonly path: string
  /** The word that was written. */
  readonly word: string
  /** What it costs, in one sentence. */
  readonly meaning: string
}
