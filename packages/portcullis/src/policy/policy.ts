/** One policy, ready to be evaluated. */
import type { Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { compileExpression, type Evaluate, type Question, tolerant } from './compile.ts'
import { readsOf } from './reads.ts'
import { type Scope, scopeOf } from './scope.ts'
import type { PolicyText } from './source.ts'
import { EvaluationError, UNKNOWN, type Unknown } from './value.ts'

export interface Policy {
  /** `@id("…")`, or where it stands. */
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  readonly source: PolicyText
  /** Position among all policies. */
  readonly order: number
  readonly json: PolicyJson
  readonly scope: Scope
  /** Whether its principal matches whoever is found by its key. Here, because lists ask thousands of policies for it. */
  readonly isFoundByKey: boolean
  /** Bits of READS. */
  readonly reads: number
  readonly conditions: readonly Condition[]
}

interface Condition {
  readonly kind: 'when' | 'unless'
  readonly evaluate: Evaluate
}

/** Compiles a parsed policy. Throws EvaluationError for a literal that cannot be held. */
export function compilePolicy(json: PolicyJson, source: PolicyText, order: number): Policy {
  const bodies: Expr[] = json.conditions.map(({ body }) => body)
  const scope = scopeOf(json)
  const id = (json.annotations as Record<string, string | null> | undefined)?.['id']
  return {
    id: id ?? source.place,
    effect: json.effect,
    source,
    order,
    json,
    scope,
    isFoundByKey: scope.principal.exact,
    reads: bodies.reduce((bits, body) => bits | readsOf(body), 0),
    conditions: json.conditions.map(({ kind, body }) => ({ kind, evaluate: compileExpression(body) })),
  }
}

/**
 * Whether a policy whose scope matches applies. A permit that cannot be evaluated does not apply, as in Cedar. A forbid
 * that cannot be evaluated does apply, unlike in Cedar: who provokes an error must not thereby escape a prohibition.
 */
export function applies(policy: Policy, question: Question): boolean | Unknown {
  try {
    return holds(policy.conditions, question)
  } catch (thrown) {
    if (thrown instanceof EvaluationError) return policy.effect === 'forbid'
    throw thrown
  }
}

function holds(conditions: readonly Condition[], question: Question): boolean | Unknown {
  let unknown = false
  for (const { kind, evaluate } of conditions) {
    // Behind something unknown, a failure may never be reached.
    const value = unknown ? tolerant(evaluate, question) : evaluate(question)
    if (value === UNKNOWN) unknown = true
    else if (typeof value !== 'boolean') throw new EvaluationError('a condition is not a Bool')
    else if (value !== (kind === 'when')) return false
  }
  return unknown ? UNKNOWN : true
}
