/** A key or a certificate that cannot be used. Both sentences may be shown to the operator; they never hold key material. */
export class PkiError extends Error {
  override readonly name = 'PkiError'
  readonly wrong: string
  readonly right: string

  constructor(wrong: string, right: string, cause?: unknown) {
    super(`${wrong}; ${right}`, cause === undefined ? undefined : { cause })
    this.wrong = wrong
    this.right = right
  }
}
