/** Tools that nobody should call: real ones that are bait, and names that only somebody who guesses would ask for. */
import { NAME_SEPARATOR, splitPrefix } from '../mcp/naming.ts'

/** Whether a call is of such a tool. `upstream` is that of the path; absent on the aggregate path. */
export type IsCanary = (name: string, upstream?: string) => boolean

/**
 * `patterns` are `upstream/tool`, or `* /tool` without the space for a name at any upstream. Names are compared as they were
 * sent, before anybody knows whether there is such a tool: a decoy need not exist.
 */
export function canaryTools(patterns: readonly string[]): IsCanary {
  if (patterns.length === 0) return () => false
  const names = new Set(patterns)
  const isNamed = (name: string, upstream: string | undefined): boolean =>
    names.has(`*/${name}`) || (upstream !== undefined && names.has(`${upstream}/${name}`))
  return (name, upstream) => {
    if (isNamed(name, upstream)) return true
    if (upstream !== undefined) return false
    const prefixed = splitPrefix(name, NAME_SEPARATOR)
    return prefixed !== undefined && isNamed(prefixed.rest, prefixed.upstream)
  }
}
