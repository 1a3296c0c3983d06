/** Why a request is allowed or denied: the deciding policies, and for a default deny the permits that came nearest. */
import type { Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { Decision } from '../core/decision.ts'
import { compileExpression, type Question } from './compile.ts'
import type { PolicyEngine } from './engine.ts'
import { principalEntity } from './entities.ts'
import type { Slot } from './memory.ts'
import { applies, type Policy } from './policy.ts'
import { type PolicyRequest, questionOf } from './question.ts'
import { EvaluationError } from './value.ts'

export interface Explanation {
  readonly decision: Decision
  /** Whose policies and upstreams were asked. */
  readonly tenant: string
  /** One sentence that a person can read. */
  readonly reason: string
  /** Every policy that applies and has the effect of the decision. */
  readonly deciding: readonly Place[]
  /** Permits that would have applied but for one thing, the nearest first. Empty when the request is allowed or forbidden. */
  readonly nearest: readonly NearMiss[]
}

export interface Place {
  readonly id: string
  readonly file: string
  /** 1-based. */
  readonly line: number
  /** The only tenant that the policy holds for; absent when it holds for all. */
  readonly tenant?: string
}

export interface NearMiss extends Place {
  readonly missing: 'condition' | 'principal'
  /** The part of the policy that does not hold, as Cedar text. */
  readonly text: string
  /** Why it could not be evaluated, if that is so. */
  readonly error?: string
}

const MAX_NEAREST = 5

/** How parts of policies are put into words. */
export type Print = (policy: PolicyJson) => string

/** Looks at every policy, so it is for people and not for the path of a call. */
export function explain(
  engine: PolicyEngine,
  request: PolicyRequest,
  print: Print = (policy) => engine.cedar.print(policy),
): Explanation {
  const decision = engine.decide(request)
  const { principal, aim } = request
  const told = (reason: string, policies: readonly Policy[], nearest: readonly NearMiss[] = []): Explanation => ({
    decision,
    tenant: principal.tenant,
    reason,
    deciding: policies.map(placeOf),
    nearest,
  })
  if (principal.upstreams !== undefined && !principal.upstreams.includes(aim.upstream)) {
    return told(`The credential is not for the upstream ${aim.upstream}.`, [])
  }
  if (!engine.has(principal.tenant, aim.upstream)) {
    return told(`The tenant ${principal.tenant} has no upstream ${aim.upstream}.`, [])
  }
  const slot = engine.slot(aim, principal.tenant)
  if (slot === undefined) return told('There is no such tool.', [])
  const forbids = applying(engine, slot, request, 'forbid')
  const doors = aim.action === 'connect' ? [] : forbidsToConnect(engine, request)
  if (forbids.length + doors.length > 0) return told('A policy forbids it.', [...new Set([...forbids, ...doors])])
  const permits = applying(engine, slot, request, 'permit')
  if (permits.length > 0) return told('A policy permits it.', permits)
  if (decision.effect === 'allow') {
    return told(
      'Some use of the upstream is permitted, so connecting is.',
      engine.policiesOf(principal.tenant).filter(({ id }) => decision.policies.includes(id)),
    )
  }
  return told('No policy permits it.', [], nearMisses(engine, slot, request, print))
}

function forbidsToConnect(engine: PolicyEngine, request: PolicyRequest): readonly Policy[] {
  const aim = { action: 'connect', upstream: request.aim.upstream } as const
  const slot = engine.slot(aim, request.principal.tenant)
  return slot === undefined ? [] : applying(engine, slot, { ...request, aim }, 'forbid')
}

function applying(
  engine: PolicyEngine,
  slot: Slot,
  request: PolicyRequest,
  effect: Policy['effect'],
): readonly Policy[] {
  const question = questionOf(slot, principalEntity(request.principal), request)
  return engine
    .policiesOf(request.principal.tenant)
    .filter(
      (policy) =>
        policy.effect === effect &&
        concerns(policy, question) &&
        policy.scope.principal.matches(question.principal) === true &&
        (slot.broken.has(policy) ? effect === 'forbid' : applies(policy, question) === true),
    )
}

const concerns = ({ scope }: Policy, { action, resource }: Question): boolean =>
  [...scope.actions].some((name) => name === action.id) && scope.resource.matches(resource) === true

function nearMisses(engine: PolicyEngine, slot: Slot, request: PolicyRequest, print: Print): readonly NearMiss[] {
  const question = questionOf(slot, principalEntity(request.principal), request)
  const permits = engine
    .policiesOf(request.principal.tenant)
    .filter((policy) => policy.effect === 'permit' && concerns(policy, question))
  const misses = permits.map((policy): NearMiss => {
    if (policy.scope.principal.matches(question.principal) === true) return failing(policy, question, print)
    return { ...placeOf(policy), missing: 'principal', text: print(scopeOnly(policy.json)) }
  })
  const rank = ({ missing }: NearMiss) => (missing === 'condition' ? 0 : 1)
  return misses.toSorted((left, right) => rank(left) - rank(right)).slice(0, MAX_NEAREST)
}

/** The first part of the first condition that does not hold. */
function failing(policy: Policy, question: Question, print: Print): NearMiss {
  for (const { kind, body } of policy.json.conditions as readonly { kind: 'when' | 'unless'; body: Expr }[]) {
    for (const part of partsOf(body, kind === 'when' ? '&&' : '||')) {
      const { holds, error } = test(part, question)
      if (error === undefined && holds === (kind === 'when')) continue
      const text = print({ ...scopeOnly(ANYTHING), conditions: [{ kind, body: part }] })
      const shown = text.slice(text.indexOf(kind)).replace(/;\s*$/, '').replace(/\s+/g, ' ')
      return { ...placeOf(policy), missing: 'condition', text: shown, ...(error !== undefined && { error }) }
    }
  }
  return { ...placeOf(policy), missing: 'condition', text: 'the tool is not as it was when the policies were loaded' }
}

function test(part: Expr, question: Question): { readonly holds?: unknown; readonly error?: string } {
  try {
    return { holds: compileExpression(part)(question) }
  } catch (thrown) {
    if (thrown instanceof EvaluationError) return { error: thrown.message }
    throw thrown
  }
}

function partsOf(expression: Expr, operator: '&&' | '||'): readonly Expr[] {
  const sides = (expression as Partial<Record<typeof operator, { left: Expr; right: Expr }>>)[operator]
  return sides === undefined ? [expression] : [...partsOf(sides.left, operator), ...partsOf(sides.right, operator)]
}

const ANYTHING: PolicyJson = {
  effect: 'permit',
  principal: { op: 'All' },
  action: { op: 'All' },
  resource: { op: 'All' },
  conditions: [],
}

const scopeOnly = ({ effect, principal, action, resource }: PolicyJson): PolicyJson => ({
  effect,
  principal,
  action,
  resource,
  conditions: [],
})

const placeOf = ({ id, source: { file, line, tenant } }: Policy): Place => ({
  id,
  file,
  line,
  ...(tenant !== undefined && { tenant }),
})
