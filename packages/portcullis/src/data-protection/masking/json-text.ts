/** Decides which texts are JSON, and writes them again as they were written: with their indentation and all digits of their numbers. */

/** A text that was read as JSON. */
export interface JsonText {
  readonly value: unknown
  readonly indent: string
}

/** A longer one is a text like any other. */
export const MAX_JSON_LENGTH = 1_048_576
const ENDS: Readonly<Record<string, string>> = { '{': '}', '[': ']' }

/** Undefined for a text that is no object or array. */
export function readJsonText(text: string): JsonText | undefined {
  const trimmed = text.length > MAX_JSON_LENGTH ? '' : text.trim()
  if (trimmed.length < 2 || ENDS[trimmed.charAt(0)] !== trimmed.at(-1)) return undefined
  try {
    return { value: JSON.parse(trimmed, exactly), indent: /^[[{]\r?\n([ \t]{1,10})/.exec(trimmed)?.[1] ?? '' }
  } catch {
    return undefined
  }
}

export const writeJsonText = ({ indent }: JsonText, value: unknown): string => JSON.stringify(value, undefined, indent)

type RawJson = (text: string) => unknown

/** Numbers that JavaScript would write in another way stay as they are (ECMAScript, "JSON.parse source text access"). */
function exactly(this: unknown, _name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined || String(value) === context.source) return value
  return (JSON as unknown as { readonly rawJSON: RawJson }).rawJSON(context.source)
}

/** The digits of a number that is kept as it was written; undefined for any other object. */
export function rawNumber(value: object): string | undefined {
  const { isRawJSON } = JSON as unknown as { readonly isRawJSON: (one: unknown) => boolean }
  return isRawJSON(value) ? (value as { readonly rawJSON: string }).rawJSON : undefined
}
