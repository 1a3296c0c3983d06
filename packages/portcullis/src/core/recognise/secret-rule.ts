/** What a rule about credentials says. */
import type { Weight } from '../inspection-words.ts'

/** One form of a credential, or one context of it. */
export interface SecretRule {
  /** After `secret.`. */
  readonly reason: string
  /** Literals in lower case of which one occurs in whatever matches. */
  readonly signs: readonly string[]
  /** Global; the group `secret`, else the whole, is what is taken out. */
  readonly pattern: RegExp
  readonly weight: Weight
  readonly check?: (secret: string) => boolean
}
