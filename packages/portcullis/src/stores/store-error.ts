/** Why a store is not opened, or has not answered. The sentence is for the operator and names the file or the server. */
export type StoreErrorCode =
  | 'unwritable'
  | 'too_open'
  | 'not_a_store'
  | 'newer_version'
  | 'locked'
  | StoreServerErrorCode

/**
 * Of a server: `unsafe_role` when its row-level security would not hold us; `turn_lost` when another node has the turn by now
 * within which something was to be written; `no_program` and `program_failed` of the programs that come with it.
 */
export type StoreServerErrorCode =
  | 'unreachable'
  | 'unprepared'
  | 'unsafe_role'
  | 'turn_lost'
  | 'no_program'
  | 'program_failed'

export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, sentence: string, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
