/** What policies can speak of: actions, roles, upstreams and tools. */
import type { Target } from '../mcp/call.ts'
import type { ToolDefinition } from '../mcp/definition.ts'

/** Everything that policies may name. */
export interface Vocabulary {
  readonly roles: readonly string[]
  readonly upstreams: readonly string[]
  /** Tools by upstream. An upstream that is missing here has not told its tools yet. */
  readonly tools: ReadonlyMap<string, readonly ToolDefinition[]>
  /** Absent: all tenants have all upstreams and the same rules. Present: a tenant that is not in it has nothing. */
  readonly tenants?: ReadonlyMap<string, TenantWords>
}

/** What one tenant has. */
export interface TenantWords {
  readonly upstreams: readonly string[]
  /** Known in this tenant beside the roles of all. */
  readonly roles: readonly string[]
}

const NOTHING: TenantWords = { upstreams: [], roles: [] }

/** What may be spoken of in one tenant. */
export function vocabularyOf(vocabulary: Vocabulary, tenant: string): Vocabulary {
  if (vocabulary.tenants === undefined) return vocabulary
  const { upstreams, roles } = vocabulary.tenants.get(tenant) ?? NOTHING
  return {
    ...vocabulary,
    upstreams,
    roles: [...vocabulary.roles, ...roles],
    tools: new Map([...vocabulary.tools].filter(([upstream]) => upstreams.includes(upstream))),
  }
}

/** Every role that is known anywhere. */
export const allRoles = ({ roles, tenants }: Pick<Vocabulary, 'roles' | 'tenants'>): readonly string[] => [
  ...new Set([...roles, ...[...(tenants?.values() ?? [])].flatMap((tenant) => tenant.roles)]),
]

/** Actions of the group `Action::"use"`, with the types of what they act upon. */
export const USES = {
  'tools/call': ['Tool'],
  'prompts/get': ['Prompt'],
  'resources/read': ['Resource'],
  'resources/subscribe': ['Resource'],
  'completion/complete': ['Prompt', 'Resource'],
  'tasks/use': ['Task'],
} as const satisfies Record<string, readonly TargetType[]>

export type Use = keyof typeof USES
export type Action = Use | 'connect'
export type TargetType = 'Tool' | 'Prompt' | 'Resource' | 'Task'

/** What a policy decides about: an action on one thing of one upstream. `connect` acts upon the upstream itself. */
export type Aim =
  | { readonly action: 'connect'; readonly upstream: string }
  | {
      readonly action: Use
      readonly type: TargetType
      readonly upstream: string
      /** The upstream's own name, a URI or a task id; empty for "some one", as a resource template is. */
      readonly name: string
    }

/** What a method does to its target, or undefined where a method has a target that it must not have. */
export function aimOf(method: string, target: Target, upstream: string): Aim | undefined {
  const action = GROUPED[method] ?? method
  if (target.kind === 'none') return isUse(action) ? undefined : { action: 'connect', upstream }
  const type = TYPES[target.kind]
  if (target.name === '' || !isUse(action) || !(USES[action] as readonly TargetType[]).includes(type)) return undefined
  return { action, type, upstream, name: target.name }
}

const TYPES = { tool: 'Tool', prompt: 'Prompt', resource: 'Resource', task: 'Task' } as const

/** Methods that are one action to a policy. */
const GROUPED: Readonly<Record<string, Use>> = {
  'tasks/get': 'tasks/use',
  'tasks/update': 'tasks/use',
  'tasks/cancel': 'tasks/use',
  'resources/unsubscribe': 'resources/subscribe',
}

export const isUse = (action: string): action is Use => Object.hasOwn(USES, action)

/** The id of an entity below an upstream: `files/read_file`. */
export const entityId = (upstream: string, name: string): string => `${upstream}/${name}`

/** Parts of such an id; the name may hold slashes, the upstream cannot. */
export function splitId(id: string): { readonly upstream: string; readonly name: string } | undefined {
  const slash = id.indexOf('/')
  return slash < 0 ? undefined : { upstream: id.slice(0, slash), name: id.slice(slash + 1) }
}
