/** Refuses policies that name an action, a role, an upstream or a tool that does not exist. */
import { type PolicyProblem, suggest } from './problem.ts'
import type { EntityName, Lines, PolicyText } from './source.ts'
import { entityId, splitId, USES, type Vocabulary } from './vocabulary.ts'

const BELOW_UPSTREAM = ['Tool', 'Prompt', 'Resource', 'Task']

/** Every unknown name of a policy, each at its place. */
export function unknownNames(policy: PolicyText, lines: Lines, vocabulary: Vocabulary): PolicyProblem[] {
  return policy.names.flatMap((name) => {
    const problem = unknownName(name, vocabulary)
    if (problem === undefined) return []
    return [{ file: policy.file, ...lines.at(policy.offset + name.offset), ...problem }]
  })
}

const ACTIONS: readonly string[] = [...Object.keys(USES), 'connect', 'use']

type Told = Pick<PolicyProblem, 'wrong' | 'right'>

function unknownName({ type, id }: EntityName, { roles, upstreams, tools }: Vocabulary): Told | undefined {
  if (type === 'Action') return ACTIONS.includes(id) ? undefined : told('action', id, ACTIONS)
  if (type === 'Role') return roles.includes(id) ? undefined : told('role', id, roles)
  if (type === 'Upstream') return upstreams.includes(id) ? undefined : told('upstream', id, upstreams)
  if (!BELOW_UPSTREAM.includes(type)) return undefined
  const parts = splitId(id)
  if (parts === undefined) {
    return { wrong: `${type}::${JSON.stringify(id)} names no upstream`, right: `write ${type}::"<upstream>/<name>"` }
  }
  if (!upstreams.includes(parts.upstream)) return told('upstream', parts.upstream, upstreams)
  const offered = tools.get(parts.upstream)
  if (type !== 'Tool' || offered === undefined || offered.some(({ name }) => name === parts.name)) return undefined
  return told(
    'tool',
    id,
    offered.map(({ upstream, name }) => entityId(upstream, name)),
  )
}

const told = (noun: string, id: string, known: readonly string[]): Told => ({
  wrong: `unknown ${noun} ${JSON.stringify(id)}`,
  right: suggest(id, known, noun),
})
