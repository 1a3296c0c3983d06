/** The port by which this room keeps a secret at rest that it has to read again. */

/** Where a secret lies. What was sealed for one place does not open at another. */
export interface SealedPlace {
  readonly tenant: string
  readonly table: string
  readonly column: string
  /** Id of the row. */
  readonly row: string
}

export interface Seal {
  seal(text: string, place: SealedPlace): Promise<string>
  /** Rejects when the text was not sealed by us, for this place. */
  open(sealed: string, place: SealedPlace): Promise<string>
}
