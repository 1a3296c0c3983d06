/** What is wrong with a signature, in the words of the record; whoever asked decides which fault that is. */

/** `reason` is for the record and tells nothing of a key. */
export class SignatureProblem extends Error {
  override readonly name = 'SignatureProblem'
  readonly reason: string

  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}

/** A key of the configuration that cannot be used; the message names its place and is safe to print. */
export class SignatureKeyError extends Error {
  override readonly name = 'SignatureKeyError'
}
