/** Why a backup is not made, not believed, or not put in place. The sentence is for the operator and names what is concerned. */

/**
 * `changed`: bytes are not what was signed. `cut-short`: some are not there. `absent`: a whole part, or an earlier backup, is
 * not there. `not-for-you`: no identity opens it. `untrusted`: nobody who is known has signed it. `unsound`: it is what was
 * signed, and still does not hold what it must. `refused`: things are not as they have to be, and nothing was done.
 */
export type BackupErrorCode = 'changed' | 'cut-short' | 'absent' | 'not-for-you' | 'untrusted' | 'unsound' | 'refused'

export class BackupError extends Error {
  override readonly name = 'BackupError'
  readonly code: BackupErrorCode

  constructor(code: BackupErrorCode, sentence: string, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
