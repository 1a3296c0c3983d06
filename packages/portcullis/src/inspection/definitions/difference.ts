/** What changed between two forms of one definition, field by field, in words for a reviewer. */
import { canonicalJson } from '../../mcp/canonical.ts'
import type { Fields } from './fields.ts'
import { visibleJson, visibleText } from './hidden.ts'

/** `before` is absent for a field that came, `after` for one that went. */
export interface FieldChange {
  readonly field: string
  readonly before?: unknown
  readonly after?: unknown
}

/** In the order of the fields; empty when the two are the same. */
export function differenceOf(before: Fields, after: Fields): readonly FieldChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].toSorted()
  return names.flatMap((field): readonly FieldChange[] => {
    const was = before.get(field)
    const is = after.get(field)
    if (!before.has(field)) return [{ field, after: is }]
    if (!after.has(field)) return [{ field, before: was }]
    return canonicalJson(was) === canonicalJson(is) ? [] : [{ field, before: was, after: is }]
  })
}

/** `description: "Adds." → "Adds. First …"`: one line, hidden characters escaped, with the place where long texts part. */
export function changeText({ field, ...change }: FieldChange): string {
  const name = visibleText(field.replace(/^\//, ''))
  if (!('before' in change)) return `${name}: added ${cut(visibleJson(change.after), 0)}`
  if (!('after' in change)) return `${name}: removed ${cut(visibleJson(change.before), 0)}`
  const was = visibleJson(change.before)
  const is = visibleJson(change.after)
  const from = Math.max(0, partAt(was, is) - CONTEXT_LENGTH)
  return `${name}: ${cut(was, from)} → ${cut(is, from)}`
}

const CONTEXT_LENGTH = 60
const MAX_TEXT_LENGTH = 600

function cut(text: string, from: number): string {
  const start = text.length <= MAX_TEXT_LENGTH ? 0 : from
  const end = Math.min(text.length, start + MAX_TEXT_LENGTH)
  return `${start > 0 ? '…' : ''}${text.slice(start, end)}${end < text.length ? '…' : ''}`
}

function partAt(a: string, b: string): number {
  let at = 0
  while (at < a.length && at < b.length && a[at] === b[at]) at++
  return at
}
