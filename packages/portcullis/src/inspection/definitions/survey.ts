/** Everything that an upstream says and a model may read, as items; and where it differs from what a lock approves. */
import type { ToolDefinition } from '../../mcp/definition.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import type { ArgumentRoles, Role } from '../role.ts'
import { differenceOf, type FieldChange } from './difference.ts'
import { type Item, instructionsItem, itemOf } from './item.ts'
import { type ItemKey, keyOf } from './kind.ts'
import { type Approval, EMPTY_UPSTREAM, type Lock, type LockedUpstream, type Waiting } from './lock.ts'

/** As the upstream sent it. */
export interface Said {
  readonly serverInfo: Params
  readonly instructions?: string
  readonly tools: readonly unknown[]
  readonly prompts: readonly unknown[]
  readonly resources: readonly unknown[]
  readonly templates: readonly unknown[]
}

/** What was told, by key: an item, and of a tool the proposed roles. */
export type Told = ReadonlyMap<ItemKey, Exclude<Waiting, { readonly gone: true }>>

/** What the arguments of a tool may mean; nothing where nobody can say. */
export type ProposeRoles = (tool: Pick<ToolDefinition, 'name' | 'inputSchema' | 'annotations' | 'raw'>) => ArgumentRoles

export function toldOf(said: Said, propose: ProposeRoles): Told {
  const told = new Map<ItemKey, Exclude<Waiting, { readonly gone: true }>>()
  const add = (item: Item | undefined, more: Pick<Approval, 'roles' | 'version'> = {}) => {
    if (item !== undefined) told.set(keyOf(item), { item, ...more })
  }
  const version = said.serverInfo['version']
  add(itemOf('server', said.serverInfo), typeof version === 'string' ? { version } : {})
  // There is nothing to approve about instructions that are not there.
  if (said.instructions !== undefined && said.instructions !== '') add(instructionsItem(said.instructions))
  for (const tool of said.tools) add(itemOf('tool', tool), rolesOf(tool, propose))
  for (const prompt of said.prompts) add(itemOf('prompt', prompt))
  for (const resource of said.resources) add(itemOf('resource', resource))
  for (const template of said.templates) add(itemOf('template', template))
  return told
}

function rolesOf(raw: unknown, propose: ProposeRoles): Pick<Approval, 'roles'> {
  if (!isRecord(raw) || typeof raw['name'] !== 'string' || !isRecord(raw['inputSchema'])) return {}
  const { name, inputSchema, annotations } = raw
  const roles = propose({ name, inputSchema, raw, ...(isRecord(annotations) && { annotations }) })
  return roles.size === 0 ? {} : { roles }
}

/** The lock with everything of one upstream that differs put among what waits. What is approved stays as it is. */
export function surveyed(lock: Lock, upstream: string, told: Told): Lock {
  const { approved } = lock.upstreams.get(upstream) ?? EMPTY_UPSTREAM
  const waiting = new Map<ItemKey, Waiting>()
  for (const [key, one] of told) {
    const before = approved.get(key)
    if (before === undefined) waiting.set(key, one)
    else if (before.item.digest !== one.item.digest || before.version !== one.version)
      waiting.set(key, { ...one, ...withKept(one.roles, before.roles) })
  }
  for (const key of approved.keys()) if (!told.has(key)) waiting.set(key, { gone: true })
  return withUpstream(lock, upstream, { approved, waiting })
}

/** What somebody has decided about an argument outlives a change of the tool, as long as the argument is there. */
function withKept(proposed: ArgumentRoles | undefined, decided: ArgumentRoles | undefined): Pick<Approval, 'roles'> {
  if (proposed === undefined) return {}
  return { roles: new Map([...proposed].map(([pointer, role]) => [pointer, decided?.get(pointer) ?? role])) }
}

const withUpstream = (lock: Lock, name: string, upstream: LockedUpstream): Lock => ({
  ...lock,
  upstreams: new Map(lock.upstreams).set(name, upstream),
})

/** What waits becomes what is approved: all of an upstream, or these items. Signatures of before no longer fit and go. */
export function approve(
  lock: Lock,
  upstream: string,
  keys: readonly ItemKey[] | undefined,
  { by, at }: Pick<Approval, 'by' | 'at'>,
): Lock {
  const before = lock.upstreams.get(upstream) ?? EMPTY_UPSTREAM
  const chosen = [...before.waiting].filter(([key]) => keys === undefined || keys.includes(key))
  if (chosen.length === 0) return lock
  const after = new Map(before.approved)
  const waiting = new Map(before.waiting)
  for (const [key, one] of chosen) {
    if ('gone' in one) after.delete(key)
    else after.set(key, { ...one, by, at })
    waiting.delete(key)
  }
  return { ...withUpstream(lock, upstream, { approved: after, waiting }), signatures: [] }
}

/** The lock without an upstream that is configured no more. */
export function withoutUpstream(lock: Lock, name: string): Lock {
  const upstreams = new Map(lock.upstreams)
  return upstreams.delete(name) ? { upstreams, signatures: [] } : lock
}

/** The lock without what waits only because it was not told. */
export function withoutGone(lock: Lock): Lock {
  const upstreams = [...lock.upstreams].map(([name, { approved: known, waiting }]) => {
    const there = [...waiting].filter(([, one]) => !('gone' in one))
    return [name, { approved: known, waiting: new Map(there) }] as const
  })
  return { ...lock, upstreams: new Map(upstreams) }
}

/** One difference between what is approved and what was told. */
export interface LockChange {
  readonly upstream: string
  readonly item: ItemKey
  readonly kind: 'new' | 'changed' | 'gone'
  readonly fields: readonly FieldChange[]
  /** Digest of what is approved; absent for what is new. */
  readonly before?: string
  /** Digest of what was told; absent for what is gone. */
  readonly after?: string
  /** What the arguments of the tool are to mean, by their pointers. */
  readonly roles?: Readonly<Record<string, Role>>
}

/** Everything that waits, in the order of the file. */
export function changesOf(lock: Lock): readonly LockChange[] {
  return [...lock.upstreams].toSorted(byName).flatMap(([upstream, { approved: known, waiting }]) =>
    [...waiting].toSorted(byName).map(([item, one]): LockChange => {
      const before = known.get(item)
      const was = before && { before: before.item.digest }
      if ('gone' in one) return { upstream, item, kind: 'gone', fields: [], ...was }
      const told = { after: one.item.digest, ...(one.roles && { roles: Object.fromEntries(one.roles) }) }
      if (before === undefined)
        return { upstream, item, kind: 'new', fields: differenceOf(new Map(), one.item.fields), ...told }
      return { upstream, item, kind: 'changed', fields: changedFields(before, one), ...was, ...told }
    }),
  )
}

function changedFields(before: Approval, after: Pick<Approval, 'item' | 'version'>): readonly FieldChange[] {
  const fields = differenceOf(before.item.fields, after.item.fields)
  if (before.version === after.version) return fields
  return [...fields, { field: '/version', before: before.version ?? null, after: after.version ?? null }]
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1)
