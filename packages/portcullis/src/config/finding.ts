/** A mistake in what the configuration refers to, before it is placed in its file. */
export interface Finding {
  readonly path: readonly PropertyKey[]
  readonly wrong: string
  readonly right: string
}
