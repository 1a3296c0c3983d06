/** Checks the values against the schema and tells every mistake with its place and its remedy. */
import type { z } from 'zod'
import type { ParsedYaml } from './parse-yaml.ts'
import { formatPath } from './problem.ts'
import type { Problem } from './problem.ts'
import { configSchema } from './schema.ts'
import type { Config } from './schema.ts'
import { configJsonSchema, describeNode, keysAt, nodeAt } from './schema-node.ts'
import { suggest } from './suggest.ts'

/** Beyond this the list helps nobody. */
const MAX_PROBLEMS = 100

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/** Paths are still as written; see anchor.ts. */
export function validate(
  parsed: ParsedYaml,
  file: string,
): { readonly config?: Config; readonly problems: readonly Problem[] } {
  const result = configSchema.safeParse(parsed.value)
  if (result.success) return { config: result.data as Config, problems: [] }
  const tell = (path: Path, what: 'key' | 'value', wrong: string, right: string): Problem => ({
    file,
    ...parsed.locate(path, what),
    path: formatPath(path),
    wrong,
    right,
  })
  const problems = result.error.issues.flatMap((issue) => explainIssue(issue, issue.path, parsed.value, tell))
  return { problems: problems.slice(0, MAX_PROBLEMS) }
}

type Tell = (path: Path, what: 'key' | 'value', wrong: string, right: string) => Problem

function explainIssue(issue: Issue, path: Path, root: unknown, tell: Tell): readonly Problem[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, tell))
  if (issue.code === 'invalid_union') return explainUnion(issue, path, root, tell)
  if (issue.code === 'invalid_key') {
    const wanted = nodeAt(path.slice(0, -1))?.propertyNames
    return [tell(path, 'key', 'this name is not allowed', wanted === undefined ? 'choose another' : expected(wanted))]
  }
  const node = path.length === 0 ? configJsonSchema() : nodeAt(path)
  const right = node === undefined ? 'see the reference' : expected(node)
  if (issue.code === 'custom') return [tell(path, 'value', issue.message, right)]
  const value = valueAt(root, path)
  if (value === undefined) return [tell(path, 'key', 'missing', right)]
  return [tell(path, 'value', `${show(value)} is not valid here`, right)]
}

/** Of the branches of a union, only the one that was meant is worth reading: the one whose type fits. */
function explainUnion(issue: z.core.$ZodIssueInvalidUnion, path: Path, root: unknown, tell: Tell): readonly Problem[] {
  const meant = issue.errors.find(
    (branch) => !branch.some((inner) => inner.code === 'invalid_type' && inner.path.length === 0),
  )
  if (meant !== undefined) return meant.flatMap((inner) => explainIssue(inner, [...path, ...inner.path], root, tell))
  const node = nodeAt(path)
  return [
    tell(path, 'value', `${show(valueAt(root, path))} is not valid here`, node === undefined ? '' : expected(node)),
  ]
}

function unknownKey(key: string, path: Path, tell: Tell): Problem {
  const known = keysAt(path)
  const near = suggest(key, known)
  const right = near === undefined ? `known keys are ${known.join(', ')}` : `did you mean "${near}"?`
  return tell([...path, key], 'key', 'unknown key', right)
}

function expected(node: Parameters<typeof describeNode>[0]): string {
  return `expected ${describeNode(node)}`
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<PropertyKey, unknown>)[part]
  }
  return value
}

/** Long text is not shown: somebody may have pasted a secret where a reference belongs. */
function show(value: unknown): string {
  if (typeof value === 'string')
    return value.length <= 24 ? JSON.stringify(value) : `this text of ${value.length} characters`
  if (Array.isArray(value)) return 'a list'
  if (value === null) return 'an empty value'
  return typeof value === 'object' ? 'a map' : String(value)
}
