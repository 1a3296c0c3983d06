/** Puts other values into a message without changing it: only what leads to them is copied. */

/** Names of members and places of elements, from the root of a message. */
export type Path = readonly (string | number)[]

export interface Replacement {
  readonly path: Path
  readonly value: unknown
}

type Holder = Record<string | number, unknown>

export function replaced<T extends object>(root: T, replacements: readonly Replacement[]): T {
  if (replacements.length === 0) return root
  const own = new Set<object>()
  const copy = (value: object): object => {
    if (own.has(value)) return value
    const made = Array.isArray(value) ? [...(value as readonly unknown[])] : { ...value }
    own.add(made)
    return made
  }
  const result = copy(root) as T
  for (const { path, value } of replacements) {
    let holder = result as unknown as Holder
    for (const step of path.slice(0, -1)) {
      const next = copy(holder[step] ?? {})
      holder[step] = next
      holder = next as Holder
    }
    holder[path.at(-1) as string | number] = value
  }
  return result
}

/** JSON pointer (RFC 6901) from below the first step, which says `result`, `error` or `params`. */
export const pointerOfPath = (path: Path): string =>
  path
    .slice(1)
    .map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('')
