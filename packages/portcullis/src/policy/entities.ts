/** Principals, actions and resources as Cedar entities. */
import type { Principal } from '../core/principal.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import { entityId, isUse, type TargetType } from './vocabulary.ts'
import { Entity, Fields, type Outcome, SetValue, UNKNOWN } from './value.ts'

/** `User::"<id>"` in its roles. */
export function principalEntity(principal: Principal): Entity {
  const { id, tenant, roles, credential, scopes } = principal
  const attributes = {
    id,
    tenant,
    roles: new SetValue(roles),
    credential: credential.kind,
    senderConstrained: credential.bound !== undefined,
    ...(credential.acr !== undefined && { acr: credential.acr }),
    ...(credential.amr && { amr: new SetValue(credential.amr) }),
    ...(scopes && { scopes: new SetValue(scopes) }),
  }
  return new Entity(
    'User',
    id,
    Fields.of(attributes),
    roles.map((role) => new Entity('Role', role)),
  )
}

const USE = new Entity('Action', 'use')

/** `Action::"<name>"`; all but `connect` are in the group `Action::"use"`. */
export const actionEntity = (action: string): Entity =>
  new Entity('Action', action, undefined, isUse(action) ? [USE] : [])

export const upstreamEntity = (upstream: string): Entity => new Entity('Upstream', upstream, Fields.of({}))

/** Annotations that are absent take the pessimistic defaults of MCP ("ToolAnnotations"); they are the upstream's claims. */
export function toolEntity({ upstream, name, annotations }: ToolDefinition): Entity {
  const hint = (key: string, otherwise: boolean) => {
    const value = annotations?.[key]
    return typeof value === 'boolean' ? value : otherwise
  }
  const readOnly = hint('readOnlyHint', false)
  const attributes = {
    name,
    upstream,
    readOnly,
    destructive: !readOnly && hint('destructiveHint', true),
    idempotent: hint('idempotentHint', false),
    openWorld: hint('openWorldHint', true),
  }
  return below('Tool', upstream, name, attributes)
}

/** A prompt, resource or task. `scheme` is what precedes the first colon of the URI, in lower case (RFC 3986 §3.1). */
export function targetEntity(type: Exclude<TargetType, 'Tool'>, upstream: string, name: string): Entity {
  if (type === 'Prompt') return below(type, upstream, name, { name, upstream })
  if (type === 'Task') return below(type, upstream, name, { upstream })
  const scheme = name.slice(0, Math.max(0, name.indexOf(':'))).toLowerCase()
  return below(type, upstream, name, { uri: name, scheme, upstream })
}

/** "Some tool of this upstream": what is known before anybody has named one. */
export function vagueEntity(type: TargetType, upstream: string): Entity {
  const attributes: [string, Outcome][] = UNTOLD[type].map((name) => [name, UNKNOWN])
  return new Entity(
    type,
    '',
    new Fields(new Map([...attributes, ['upstream', upstream]])),
    [upstreamEntity(upstream)],
    true,
  )
}

const UNTOLD = {
  Tool: ['name', 'readOnly', 'destructive', 'idempotent', 'openWorld'],
  Prompt: ['name'],
  Resource: ['uri', 'scheme'],
  Task: [],
} as const satisfies Record<TargetType, readonly string[]>

function below(type: TargetType, upstream: string, name: string, attributes: Record<string, string | boolean>): Entity {
  return new Entity(type, entityId(upstream, name), Fields.of(attributes), [upstreamEntity(upstream)])
}
