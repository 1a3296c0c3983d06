/** Which host names a rule of the network may have: the same decision for the configuration and for the egress. */
import { isSharedSuffix } from './shared-suffix.ts'

const MAX_NAME_LENGTH = 253
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
/** A resolver takes `0x7f.1`, `017700000001` and `2130706433` for addresses, so no name may end like one. */
const NUMERIC = /^(?:\d+|0x[0-9a-f]*)$/

/**
 * What is wrong with a rule, as the end of a sentence; undefined when it may be used. A rule is a host name in lower case,
 * or `*.` before a name of at least two labels, which stands for the names below it (RFC 1123 §2.1, RFC 6125 §6.4.3).
 */
export function checkHostRule(text: string): string | undefined {
  if (text === '*') return 'would allow every host'
  const wild = text.startsWith('*.')
  const name = wild ? text.slice(2) : text
  const problem = checkHostName(name)
  if (problem !== undefined) return problem
  if (wild && !name.includes('.')) return 'would allow every host below a top-level domain'
  if (wild && isSharedSuffix(name)) return 'would allow hosts of anyone who has a name there'
  return undefined
}

/** As `checkHostRule`, for a name without a wildcard: what a client asks for, or what a rule is compared with. */
export function checkHostName(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name.length > MAX_NAME_LENGTH) return `is longer than ${MAX_NAME_LENGTH} characters`
  if (name.includes('*')) return 'may have a wildcard only as its first label'
  if (name !== name.toLowerCase()) return 'is not in lower case'
  const labels = name.split('.')
  if (!labels.every((label) => LABEL.test(label))) return 'is no host name'
  if (NUMERIC.test(labels.at(-1) as string)) return 'is an address, not a name'
  return undefined
}

/** Whether `host`, which is a checked name in lower case, is what `rule` stands for. */
export function matchesHostRule(rule: string, host: string): boolean {
  return rule.startsWith('*.') ? host.length > rule.length - 1 && host.endsWith(rule.slice(1)) : host === rule
}
