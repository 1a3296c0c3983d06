/** Configuration to what policies are made of: their texts, of all and of each tenant, and the names that they may use. */
import { globSync, readFileSync } from 'node:fs'
import type { Config } from '../config/schema.ts'
import { PolicyError } from '../policy/problem.ts'
import { readyMadeRoles } from '../policy/roles.ts'
import type { PolicySource } from '../policy/source.ts'
import type { Vocabulary } from '../policy/vocabulary.ts'

type Policies = Pick<Config, 'policy' | 'tenants'>

/** Ready-made roles and files, each once for those whom it concerns. Throws PolicyError for a pattern that matches nothing. */
export function policySources({ policy, tenants = {} }: Policies): readonly PolicySource[] {
  const common = new Set<string>(policy.builtin)
  return [
    ...readyMadeRoles(policy.builtin),
    ...readAll(policy.files, 'policy.files'),
    ...Object.entries(tenants).flatMap(([tenant, { policy: own }]) => [
      ...readyMadeRoles(
        own.builtin.filter((role) => !common.has(role)),
        tenant,
      ),
      ...readAll(own.files, `tenants.${tenant}.policy.files`).map((source) => ({ ...source, tenant })),
    ]),
  ]
}

/** The names that policies may use, but for the tools, which only the upstreams know. */
export function policyWords({
  policy,
  tenants,
  upstreams,
}: Policies & Pick<Config, 'upstreams'>): Omit<Vocabulary, 'tools'> {
  const words = Object.entries(tenants ?? {}).map(
    ([name, tenant]) => [name, { upstreams: tenant.upstreams, roles: tenant.policy.roles }] as const,
  )
  return {
    roles: policy.roles,
    upstreams: Object.keys(upstreams),
    ...(tenants !== undefined && { tenants: new Map(words) }),
  }
}

/** A pattern that matches nothing is a mistake: no rules would mean no access. */
function readAll(patterns: readonly string[], key: string): readonly PolicySource[] {
  const files = patterns.flatMap((pattern) => {
    const found = pattern.includes('*') ? globSync(pattern).sort() : [pattern]
    if (found.length > 0) return found
    const [wrong, right] = ['no policy file matches this', `create one, or correct ${key}`]
    throw new PolicyError([{ file: pattern, line: 1, column: 1, wrong, right }])
  })
  return [...new Set(files)].map((file) => ({ file, text: readFileSync(file, 'utf8') }))
}
