/** Why a store is not opened. These are start-up errors: the sentence is for the operator and names the file. */
export type StoreErrorCode = 'unwritable' | 'too_open' | 'not_a_store' | 'newer_version' | 'locked'

export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, sentence: string, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
