/** Laws that hold for every set of policies, and an evaluator of thirty lines that the engine has to agree with. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Principal } from '../../src/core/principal.ts'
import { openCedar } from '../../src/policy/cedar.ts'
import type { Circumstances } from '../../src/policy/circumstances.ts'
import type { PolicyEngine } from '../../src/policy/engine.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { RememberedCedar } from '../../src/policy/remembered-cedar.ts'
import { isVisible } from '../../src/policy/trim.ts'
import type { Vocabulary } from '../../src/policy/vocabulary.ts'
import { call, NOON, principal, tool } from './fixture.ts'

const PATH = { path: { type: 'string' } }
const TOOLS = [
  tool('files', 'read', PATH, { required: ['path'], annotations: { readOnlyHint: true } }),
  tool('files', 'write', PATH, { required: ['path'] }),
  tool('web', 'fetch', PATH, { required: ['path'], annotations: { readOnlyHint: true } }),
]
const OWN = { acme: ['files'], other: ['files', 'web'], empty: [] } as const
const VOCABULARY: Vocabulary = {
  roles: ['a', 'b'],
  upstreams: ['files', 'web'],
  tools: Map.groupBy(TOOLS, ({ upstream }) => upstream),
  tenants: new Map(Object.entries(OWN).map(([name, upstreams]) => [name, { upstreams, roles: [] }])),
}

interface Asked {
  readonly who: Principal
  readonly name: string
  readonly at: Circumstances
  readonly path: string
}

/** What a condition is in Cedar, and what it means. */
interface Fact {
  readonly text: string
  readonly readsArguments?: true
  holds(asked: Asked): boolean
}

// biome-ignore format: one fact a row
const FACTS: readonly Fact[] = [
  { text: 'resource.readOnly',                                      holds: ({ name }) => name !== 'files/write' },
  { text: 'context.time.hour < 12',                                 holds: ({ at }) => new Date(at.at).getUTCHours() < 12 },
  { text: 'context.address.isLoopback()',                           holds: ({ at }) => at.address === '127.0.0.1' },
  { text: 'principal.tenant == "acme"',                             holds: ({ who }) => who.tenant === 'acme' },
  { text: 'principal.senderConstrained',                            holds: ({ who }) => who.credential.bound !== undefined },
  { text: '(principal has amr && principal.amr.contains("mfa"))',   holds: ({ who }) => who.credential.amr?.includes('mfa') === true },
  { text: '(principal has scopes && principal.scopes.contains("s"))', holds: ({ who }) => who.scopes?.includes('s') === true },
  { text: 'principal.credential == "jwt"',                          holds: ({ who }) => who.credential.kind === 'jwt' },
  { text: 'context.args.path like "/open/*"', readsArguments: true, holds: ({ path }) => path.startsWith('/open/') },
]

interface Rule {
  readonly effect: 'permit' | 'forbid'
  readonly tenant: 'acme' | 'other' | undefined
  readonly role: 'a' | 'b' | undefined
  /** A tool's id, an upstream, or everything. */
  readonly target: string | undefined
  readonly when: readonly { readonly fact: number; readonly not: boolean }[]
}

const textOf = ({ effect, role, target, when }: Rule, id: number): string => {
  const type = target?.includes('/') === true ? '== Tool' : 'in Upstream'
  const conditions = when.map(({ fact, not }) => `${not ? '!' : ''}(${FACTS[fact]?.text})`).join(' && ')
  return `@id("${id}") ${effect}(principal${role === undefined ? '' : ` in Role::"${role}"`}, action == Action::"tools/call", resource${target === undefined ? '' : ` ${type}::"${target}"`})${when.length === 0 ? '' : ` when { ${conditions} }`};`
}

/** The little evaluator: what the words above mean, and nothing that the engine uses. */
function allowed(rules: readonly Rule[], asked: Asked): boolean {
  const { who, name } = asked
  const upstream = name.slice(0, name.indexOf('/'))
  const own: readonly string[] = OWN[who.tenant as keyof typeof OWN] ?? []
  if (!own.includes(upstream) || who.upstreams?.includes(upstream) === false) return false
  const applying = rules.filter(
    ({ tenant, role, target, when }) =>
      (tenant === undefined || tenant === who.tenant) &&
      (role === undefined || who.roles.includes(role)) &&
      (target === undefined || target === name || target === upstream) &&
      when.every(({ fact, not }) => FACTS[fact]?.holds(asked) !== not),
  )
  return applying.some(({ effect }) => effect === 'permit') && !applying.some(({ effect }) => effect === 'forbid')
}

const rule: fc.Arbitrary<Rule> = fc
  .record({
    effect: fc.constantFrom('permit' as const, 'permit' as const, 'forbid' as const),
    tenant: fc.constantFrom(undefined, undefined, 'acme' as const, 'other' as const),
    role: fc.constantFrom(undefined, 'a' as const, 'b' as const),
    target: fc.constantFrom(undefined, 'files', 'web', 'files/read', 'files/write', 'web/fetch'),
    when: fc.array(fc.record({ fact: fc.nat(FACTS.length - 1), not: fc.boolean() }), { maxLength: 3 }),
  })
  // A tenant may not speak of what it does not have.
  .map((one) => (one.tenant === 'acme' && one.target?.startsWith('web') ? { ...one, tenant: 'other' as const } : one))
const rules = fc.array(rule, { minLength: 1, maxLength: 6 })

const asked: fc.Arbitrary<Asked> = fc
  .record({
    tenant: fc.constantFrom('acme', 'other', 'empty', 'stranger'),
    roles: fc.subarray(['a', 'b']),
    kind: fc.constantFrom('jwt' as const, 'api-key' as const, 'certificate' as const),
    bound: fc.constantFrom(undefined, 'key' as const),
    amr: fc.constantFrom(undefined, ['pwd'], ['pwd', 'mfa']),
    scopes: fc.constantFrom(undefined, [], ['s']),
    upstreams: fc.constantFrom(undefined, undefined, ['web']),
    name: fc.constantFrom('files/read', 'files/write', 'web/fetch'),
    hour: fc.constantFrom(3, 11, 12, 23),
    address: fc.constantFrom('127.0.0.1', '10.0.0.1'),
    path: fc.constantFrom('/open/a', '/closed'),
  })
  .map(({ tenant, roles, kind, bound, amr, scopes, upstreams, name, hour, address, path }) => ({
    who: principal(roles, {
      tenant,
      credential: { kind, id: '1', ...(bound && { bound }), ...(amr && { amr }) },
      ...(scopes && { scopes }),
      ...(upstreams && { upstreams }),
    }),
    name,
    at: { ...NOON, at: Date.UTC(2026, 6, 29, hour), address },
    path,
  }))
const many = fc.array(asked, { minLength: 5, maxLength: 20 })

/** Asked the same again and again, Cedar answers from memory. */
const cedar = new RememberedCedar(openCedar(), { parsed: {}, fitting: {} })

function engineOf(given: readonly Rule[]): Promise<PolicyEngine> {
  const sources = given.map((one, id) => ({
    file: `${id}.cedar`,
    text: textOf(one, id),
    ...(one.tenant !== undefined && { tenant: one.tenant }),
  }))
  return loadPolicies(sources, VOCABULARY, cedar)
}

const aimOf = ({ name }: Asked) => call(name.slice(0, name.indexOf('/')), name.slice(name.indexOf('/') + 1))
const decides = (engine: PolicyEngine, one: Asked): boolean =>
  engine.decide({ principal: one.who, aim: aimOf(one), circumstances: one.at, args: { path: one.path } }).effect ===
  'allow'
const shows = (engine: PolicyEngine, one: Asked): boolean => isVisible(engine, one.who, aimOf(one), one.at)

const RUNS = { numRuns: 60 }

describe('the algebra of policies', () => {
  it('is that of the little evaluator, for each tenant, principal, moment and address in any order', async () => {
    await fc.assert(
      fc.asyncProperty(rules, many, async (given, questions) => {
        const engine = await engineOf(given)
        for (const one of [...questions, ...questions]) assert.equal(decides(engine, one), allowed(given, one))
      }),
      RUNS,
    )
  })

  it('shows exactly what is allowed now where no policy reads arguments, and hides only what none could open', async () => {
    await fc.assert(
      fc.asyncProperty(rules, many, async (given, questions) => {
        const engine = await engineOf(given)
        const reads = given.some(({ when }) => when.some(({ fact }) => FACTS[fact]?.readsArguments))
        for (const one of questions) {
          const some = ['/open/a', '/closed'].some((path) => allowed(given, { ...one, path }))
          if (reads) assert.ok(shows(engine, one) || !some)
          else assert.equal(shows(engine, one), some)
        }
      }),
      RUNS,
    )
  })

  it('does not depend on order or repetition', async () => {
    await fc.assert(
      fc.asyncProperty(rules, many, async (given, questions) => {
        const [one, other] = [await engineOf(given), await engineOf([...given.toReversed(), ...given])]
        for (const question of questions) assert.equal(decides(one, question), decides(other, question))
      }),
      RUNS,
    )
  })

  it('lets a permit only add, and a forbid only take away', async () => {
    await fc.assert(
      fc.asyncProperty(rules, rule, many, async (given, more, questions) => {
        const [less, greater] = [await engineOf(given), await engineOf([...given, more])]
        for (const question of questions) {
          const [before, after] = [decides(less, question), decides(greater, question)]
          assert.ok(more.effect === 'permit' ? after || !before : before || !after)
        }
      }),
      RUNS,
    )
  })

  it('lets no tenant notice the policies of another', async () => {
    await fc.assert(
      fc.asyncProperty(rules, rules, many, async (given, foreign, questions) => {
        const others = foreign.map((one) => ({ ...one, tenant: 'other' as const }))
        const [without, within] = [await engineOf(given), await engineOf([...given, ...others])]
        for (const question of questions) {
          if (question.who.tenant === 'other') continue
          assert.equal(decides(within, question), decides(without, question))
          assert.equal(shows(within, question), shows(without, question))
        }
      }),
      RUNS,
    )
  })
})
