/** Decides which arguments may be shown to somebody else than the tool: all but those whose role is `secret`. */
import { isRecord } from '../mcp/message.ts'
import type { PlanNode } from './plan-node.ts'

const HIDDEN = '[secret]'

/** A copy. Whatever stands at a place of that role is replaced, with all that is in it. Not for large values. */
export function withoutSecrets(value: unknown, node: PlanNode | undefined, inside = false): unknown {
  const role = node?.station?.role
  const hides = role === 'secret' || (role === undefined && inside)
  if (!Array.isArray(value) && !isRecord(value)) return hides && value !== null ? HIDDEN : value
  if (role === 'secret') return HIDDEN
  const below = node?.inside === undefined ? inside : node.inside.role === 'secret'
  const next = (name: string) => node?.members.get(name) ?? node?.any
  if (Array.isArray(value)) return value.map((entry, index) => withoutSecrets(entry, next(String(index)), below))
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [name, withoutSecrets(entry, next(name), below)]),
  )
}
