import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { DecisionPoint } from '../../src/policy/decide.ts'
import { ScopeIndex } from '../../src/policy/index-by-scope.ts'
import { compilePolicy } from '../../src/policy/policy.ts'
import { TOOLS } from './fixture.ts'
import { policySets, requests } from './generate.ts'
import { ask, type OracleRequest } from './oracle.ts'

function pointOf(sources: readonly PolicyJson[]): DecisionPoint {
  const policies = sources.map((json, order) => {
    const annotated = { ...json, annotations: { id: String(order) } }
    return compilePolicy(annotated, { file: 'f', text: '', offset: 0, line: 1, place: 'f', names: [] }, order)
  })
  const index = new ScopeIndex(policies)
  return new DecisionPoint({ policies, index, tools: TOOLS, broken: new Map(), revision: 'r', maxRemembered: 40 })
}

/** Cedar's answer with our two additions: a forbid that fails forbids, and what forbids to connect forbids the use. */
function expected(policies: readonly PolicyJson[], request: OracleRequest) {
  const answer = ask(policies, request)
  const failed = (errors: readonly number[]) => errors.filter((index) => policies[index]?.effect === 'forbid')
  const forbids = [...(answer.decision === 'deny' ? answer.reasons : []), ...failed(answer.errors)]
  if (request.aim.action !== 'connect') {
    const door = ask(policies, { ...request, aim: { action: 'connect', upstream: request.aim.upstream } })
    forbids.push(...(door.decision === 'deny' ? door.reasons : []), ...failed(door.errors))
  }
  const permits = answer.decision === 'allow' ? answer.reasons : []
  return { effect: forbids.length === 0 && permits.length > 0 ? 'allow' : 'deny', forbids, permits }
}

describe('deciding, against cedar-wasm', () => {
  it('gives the same effect for generated policies and requests, and names a policy that Cedar names', () => {
    fc.assert(
      fc.property(policySets, fc.array(requests, { minLength: 3, maxLength: 6 }), (policies, asked) => {
        const point = pointOf(policies)
        for (const request of asked) {
          const oracle = expected(policies, request)
          const { effect, policies: named } = point.decide(request)
          // That connecting is implied by a permitted use is ours alone: connection.test.ts covers it.
          if (request.aim.action === 'connect' && oracle.forbids.length === 0 && oracle.effect === 'deny') continue
          assert.equal(effect, oracle.effect)
          assert.deepEqual(point.decide(request).policies, named)
          const known = effect === 'allow' ? oracle.permits : oracle.forbids
          if (known.length === 0) assert.deepEqual(named, [])
          else assert.ok(known.includes(Number(named[0])), `${named[0]} is not among ${known.join()}`)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('never hides what it allows', () => {
    fc.assert(
      fc.property(policySets, fc.array(requests, { minLength: 3, maxLength: 8 }), (policies, asked) => {
        const point = pointOf(policies)
        for (const request of asked) {
          if (point.decide(request).effect !== 'allow') continue
          assert.notEqual(point.outlook({ ...request, args: 'unknown' }).effect, 'deny')
          assert.notEqual(point.outlook({ ...request, args: 'unknown', circumstances: 'unknown' }).effect, 'deny')
          const door = { action: 'connect', upstream: request.aim.upstream } as const
          assert.equal(point.decide({ ...request, aim: door }).effect, 'allow')
        }
      }),
      { numRuns: 1_500 },
    )
  })

  it('denies under unknown facts only what it denies under all known ones', () => {
    fc.assert(
      fc.property(policySets, requests, (policies, request) => {
        const point = pointOf(policies)
        const { effect } = point.outlook({ ...request, args: 'unknown', circumstances: 'unknown' })
        if (effect === 'deny') assert.equal(point.decide(request).effect, 'deny')
      }),
      { numRuns: 1_500 },
    )
  })
})
