/** What a witness is: a place outside of the gateway that keeps where the chains stood. */
import type { SignedStatement } from '../checkpoint.ts'

export interface Witness {
  /** Such as `file`. */
  readonly kind: string
  /** Resolves when it keeps all of them. Rejects when it is not known whether it does; then they are told again. */
  note(statements: readonly SignedStatement[], signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
