/** Decides the words for what is sensitive in a text, which the configuration and everybody who masks have in common. */

/** Personal data. The last ones have no form of their own: they are known by the name of the member that holds them. */
export const PERSONAL_KINDS = [
  'card',
  'iban',
  'national-id',
  'email',
  'phone',
  'ip',
  'name',
  'address',
  'birth-date',
] as const

export const SENSITIVE_KINDS = ['secret', ...PERSONAL_KINDS] as const

/** What a value may be that is masked as a whole; `private` is one that the configuration names by its place. */
export const VALUE_KINDS = [...SENSITIVE_KINDS, 'private'] as const

export type ValueKind = (typeof VALUE_KINDS)[number]
export type PersonalKind = (typeof PERSONAL_KINDS)[number]
export type SensitiveKind = (typeof SENSITIVE_KINDS)[number]

/** What is done about a value: it stays, keeps only its shape, goes, or is exchanged for a token that the same caller may use. */
export const MASK_ACTIONS = ['keep', 'mask', 'remove', 'tokenise'] as const

export type MaskAction = (typeof MASK_ACTIONS)[number]

/** A part of a text, in UTF-16 units. */
export interface Span {
  readonly start: number
  /** Behind its last character. */
  readonly end: number
  readonly kind: SensitiveKind
}

/**
 * Finds what is of one kind. Linear in the text; what it finds from a place on depends on at most REACH characters behind it
 * and LOOK_BEHIND before it, for secrets CONTEXT_BEHIND, so that a long text may be read in parts.
 */
export type Find = (text: string) => readonly Span[]

/** The longest match of all, a private key with its headers, with what has to be seen behind it. */
export const REACH = 16_896
/** Where a word has to stand before a number to give it a meaning, and the longest beginning of an address. */
export const LOOK_BEHIND = 128
/** Where the word has to stand that makes a secret of what follows: the type of a key, the name of a header of cookies. */
export const CONTEXT_BEHIND = 3_200
