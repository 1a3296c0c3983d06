/**
 * Decides in which words a schema is given to the engine, where the engine would misread the author's. It gives an
 * equal schema:
 *
 * - Identifiers go: `#` always means this document, and one tool's `$id` never becomes another tool's reference.
 * - With one document there is one dynamic scope, so a dynamic reference is a plain one (2020-12 core, section 8.2.3.2). The
 *   engine finds dynamic anchors only where it happened to pass.
 * - Where `unevaluated…` counts what was looked at, the engine counts what a failed `if` has looked at and, without `then` and
 *   `else`, forgets a successful one. A double negation counts nothing, and what is then asserted is counted rightly.
 */
import type { Params } from '../mcp/message.ts'
import { eachInner, withInner } from './schema-walk.ts'

/** A copy in which every object schema has also passed through `mark`, which is told whether `unevaluated…` counts. */
export function sound(schema: Params, mark: (schema: Params, counts: boolean) => Params): Params {
  const counts = countsEvaluated(schema)
  const turn = (one: Params): Params => {
    const plain = withPlainReferences(withInner(one, (inner) => turn(inner.schema)))
    return mark(counts && 'if' in plain ? withCountedCondition(plain) : plain, counts)
  }
  return turn(schema)
}

/** Whether it matters anywhere in the schema what was looked at. */
export function countsEvaluated(schema: Params): boolean {
  let found = 'unevaluatedProperties' in schema || 'unevaluatedItems' in schema
  eachInner(schema, (inner) => {
    found ||= countsEvaluated(inner.schema)
  })
  return found
}

const DYNAMIC = ['$dynamicRef', '$recursiveRef'] as const

function withPlainReferences(schema: Params): Params {
  const { $id: _identifier, $recursiveAnchor: _anchor, ...copy }: Record<string, unknown> = schema
  for (const keyword of DYNAMIC) {
    const reference = copy[keyword]
    if (typeof reference !== 'string') continue
    delete copy[keyword]
    if (copy['$ref'] === undefined) copy['$ref'] = reference
    else copy['allOf'] = [...(Array.isArray(copy['allOf']) ? copy['allOf'] : []), { $ref: reference }]
  }
  return copy
}

function withCountedCondition(schema: Params): Params {
  const { if: condition, then: consequence = true } = schema
  return { ...schema, if: { not: { not: condition } }, then: { allOf: [condition, consequence] } }
}
