/** Policy tests: requests with the outcome that their author expects, as a YAML file lists them. */
import { z } from 'zod'
import type { Principal } from '../core/principal.ts'
import type { Circumstances } from './circumstances.ts'
import type { PolicyRequest } from './question.ts'
import type { PolicyEngine } from './engine.ts'
import { explain, type Explanation } from './explain.ts'
import { isVisible } from './trim.ts'
import { type Aim, type TargetType, USES, type Use } from './vocabulary.ts'
import { CREDENTIAL_KINDS } from './words.ts'

const text = z.string().min(1)

const principal = z.strictObject({
  id: text.default('test'),
  tenant: text.default('default'),
  roles: z.array(text).default([]),
  credential: z.enum(CREDENTIAL_KINDS).default('api-key'),
  /** What the caller proves to hold beside its credential. */
  bound: z.enum(['key', 'certificate', 'key-and-certificate']).optional(),
  acr: text.optional(),
  amr: z.array(text).optional(),
  upstreams: z.array(text).optional(),
  scopes: z.array(text).optional(),
})

/** Names at most one of tool, prompt, resource and task; none of them means to connect. */
const call = z.strictObject({
  upstream: text,
  tool: text.optional(),
  prompt: text.optional(),
  resource: text.optional(),
  task: text.optional(),
  action: z.enum(Object.keys(USES) as Use[]).optional(),
  args: z.record(z.string(), z.unknown()).default({}),
  at: z.iso.datetime({ offset: true }).optional(),
  address: text.default('127.0.0.1'),
  encrypted: z.boolean().default(true),
  /** Whether the request comes with a signature of its caller. */
  signed: z.boolean().default(false),
  era: z.enum(['modern', 'legacy']).default('modern'),
})

const testCase = z.strictObject({
  name: text,
  principal,
  call,
  /** `hidden` means denied and not even listed, at that time and from that address. */
  expect: z.enum(['allow', 'deny', 'hidden']),
  /** Id of a policy that must be among the deciding ones. */
  policy: text.optional(),
})

export type PolicyTest = z.output<typeof testCase>

export interface PolicyTestResult {
  readonly name: string
  readonly passed: boolean
  readonly expected: string
  readonly actual: 'allow' | 'deny' | 'hidden'
  readonly explanation: Explanation
}

/** Checks the shape of a parsed YAML or JSON document. Throws ZodError with every mistake; unknown keys are mistakes. */
export const parsePolicyTests = (document: unknown): readonly PolicyTest[] => z.array(testCase).parse(document)

/** Decides each case as dispatch would. `now` stands for the time of cases that name none, in milliseconds. */
export function runPolicyTests(
  engine: PolicyEngine,
  tests: readonly PolicyTest[],
  now: number,
): readonly PolicyTestResult[] {
  return tests.map((one) => {
    const request = requestOf(one, now)
    const explanation = explain(engine, request)
    const actual = outcome(engine, request, explanation)
    const matches = actual === one.expect || (one.expect === 'deny' && actual === 'hidden')
    const named = one.policy === undefined || explanation.deciding.some(({ id }) => id === one.policy)
    const expected = one.policy === undefined ? one.expect : `${one.expect} by ${one.policy}`
    return { name: one.name, passed: matches && named, expected, actual, explanation }
  })
}

function outcome(
  engine: PolicyEngine,
  { principal: who, aim, circumstances }: PolicyRequest & { readonly circumstances: Circumstances },
  { decision }: Explanation,
): PolicyTestResult['actual'] {
  if (decision.effect === 'allow') return 'allow'
  return isVisible(engine, who, aim, circumstances) ? 'deny' : 'hidden'
}

function requestOf(one: PolicyTest, now: number): PolicyRequest & { readonly circumstances: Circumstances } {
  const { at, address, encrypted, era, args, signed } = one.call
  const { credential, bound, acr, amr, upstreams, scopes, ...rest } = one.principal
  const strength = { ...(bound && { bound }), ...(acr !== undefined && { acr }), ...(amr && { amr }) }
  const who: Principal = {
    ...rest,
    credential: { kind: credential, id: 'test', ...strength },
    ...(upstreams && { upstreams }),
    ...(scopes && { scopes }),
  }
  const aim = aimOfCall(one.call)
  const time = at === undefined ? now : Date.parse(at)
  const circumstances = { at: time, address, encrypted, era, method: aim.action, signed }
  return { principal: who, aim, circumstances, args }
}

const DEFAULT_USE = {
  tool: 'tools/call',
  prompt: 'prompts/get',
  resource: 'resources/read',
  task: 'tasks/use',
} as const
const TYPES = { tool: 'Tool', prompt: 'Prompt', resource: 'Resource', task: 'Task' } as const satisfies Record<
  string,
  TargetType
>

function aimOfCall(named: PolicyTest['call']): Aim {
  const { upstream, action } = named
  for (const kind of ['tool', 'prompt', 'resource', 'task'] as const) {
    const name = named[kind]
    if (name === undefined) continue
    return {
      action: action ?? DEFAULT_USE[kind],
      type: TYPES[kind],
      upstream,
      name,
    }
  }
  return { action: 'connect', upstream }
}
