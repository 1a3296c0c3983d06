/** Tells what one key of the configuration means, and what it is set to. */
import { configJsonSchema, describeNode, keysAt, nodeAt } from './schema-node.ts'
import { suggest } from './suggest.ts'

export interface Explanation {
  readonly path: string
  readonly meaning: string
  /** What may stand here. */
  readonly expected: string
  readonly default?: unknown
  /** The value in force; absent without a configuration, or when the key is not set. */
  readonly value?: unknown
  readonly keys: readonly string[]
}

/** Throws RangeError, with a suggestion, when there is no such key. `config` is optional. */
export function explainPath(text: string, config?: object): Explanation {
  const path = splitPath(text)
  for (let length = 1; length <= path.length; length++) {
    if (nodeAt(path.slice(0, length)) !== undefined) continue
    const known = keysAt(path.slice(0, length - 1))
    const near = suggest(String(path[length - 1]), known)
    const hint = near === undefined ? `known keys are ${known.join(', ')}` : `did you mean "${near}"?`
    throw new RangeError(`there is no key ${path.slice(0, length).join('.')}; ${hint}`)
  }
  const node = nodeAt(path) ?? configJsonSchema()
  const value = valueAt(config, path)
  return {
    path: text,
    meaning: node.description ?? '',
    expected: describeNode(node),
    ...(node.default === undefined ? {} : { default: node.default }),
    ...(value === undefined ? {} : { value }),
    keys: keysAt(path),
  }
}

/** `a.b[0].c` and `a.b.0.c` alike. */
function splitPath(text: string): readonly (string | number)[] {
  const parts = text.split(/[.[\]]+/).filter((part) => part !== '')
  return parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}

function valueAt(root: unknown, path: readonly (string | number)[]): unknown {
  let value = root
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string | number, unknown>)[part]
  }
  return value
}
