// What stands in the tables of keys-proved.ts, one row for each key, for the test that holds it against the schema and for
// scripts/prove-keys.mjs, which leaves each key out.

import { NOT_PROVED, PROVED } from './keys-proved.ts'

/** `file` is below `test/`, without `.test.ts`; `title` stands in it as it is written there. */
export interface Proof {
  readonly key: string
  readonly file: string
  readonly title: string
}

export function proofs(): readonly Proof[] {
  const tables = PROVED.flatMap((table) => Object.entries(table))
  return tables.flatMap(([file, titles]) =>
    Object.entries(titles).flatMap(([title, patterns]) =>
      patterns.flatMap((pattern) => expanded(pattern).map((key) => ({ key, file, title }))),
    ),
  )
}

/** Keys that have no proof, with the reason. */
export function withoutProof(): ReadonlyMap<string, string> {
  const entries = Object.entries(NOT_PROVED)
  return new Map(
    entries.flatMap(([reason, patterns]) =>
      patterns.flatMap((pattern) => expanded(pattern).map((key) => [key, reason] as const)),
    ),
  )
}

/** `a.{b,c}.{,d.}e` stands for four keys. */
export function expanded(pattern: string): readonly string[] {
  const [whole, inner] = /\{([^{}]*)\}/.exec(pattern) ?? []
  if (whole === undefined || inner === undefined) return [pattern]
  return inner.split(',').flatMap((choice) => expanded(pattern.replace(whole, () => choice)))
}
