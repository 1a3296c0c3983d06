/** Decides what a client that listens may hear: what it asked for, less what it may not see and what no upstream offers. */
import { isRecord, type Notification, type Params } from '../../mcp/message.ts'
import { splitPrefix, URI_SEPARATOR } from '../../mcp/naming.ts'
import { type Admitted, circumstancesOf, type RelayParts } from './parts.ts'
import type { Upstream } from '../upstream.ts'

/** What a `subscriptions/listen` asks to hear (MCP 2026-07-28, "Subscriptions"). */
export interface Wishes {
  readonly toolsListChanged?: true
  readonly promptsListChanged?: true
  readonly resourcesListChanged?: true
  readonly resourceSubscriptions?: readonly string[]
  readonly taskIds?: readonly string[]
}

const LIST_CHANGES: Readonly<Record<string, keyof Wishes>> = {
  'notifications/tools/list_changed': 'toolsListChanged',
  'notifications/prompts/list_changed': 'promptsListChanged',
  'notifications/resources/list_changed': 'resourcesListChanged',
}

/** Wishes less what this principal may not see and what no upstream offers. */
export function allowedWishes(parts: RelayParts, exchange: Admitted, upstreams: readonly Upstream[]): Wishes {
  const { notifications } = exchange.protectedParams ?? exchange.call.params
  const asked = isRecord(notifications) ? notifications : {}
  const offers = (capability: string, member: string) =>
    upstreams.some(({ server }) => (server?.capabilities[capability] as Params | undefined)?.[member] === true)
  const uris = strings(asked['resourceSubscriptions']).filter((uri) => mayRead(parts, exchange, uri))
  const tasks = strings(asked['taskIds']).filter((id) =>
    upstreams.some((one) => parts.tasks.owns(id, exchange.principal, one.name)),
  )
  const lists =
    (asked['toolsListChanged'] === true && offers('tools', 'listChanged') ? 1 : 0) +
    (asked['promptsListChanged'] === true && offers('prompts', 'listChanged') ? 2 : 0) +
    (asked['resourcesListChanged'] === true && offers('resources', 'listChanged') ? 4 : 0)
  const own = {
    ...(uris.length > 0 && offers('resources', 'subscribe') && { resourceSubscriptions: uris }),
    ...(tasks.length > 0 && { taskIds: tasks }),
  }
  const common = LISTS[lists] as Wishes
  return Object.keys(own).length === 0 ? common : { ...common, ...own }
}

/** What most ask for is the same object for all of them. */
const LISTS: readonly Wishes[] = Array.from({ length: 8 }, (_, lists) =>
  Object.freeze({
    ...((lists & 1) !== 0 && { toolsListChanged: true as const }),
    ...((lists & 2) !== 0 && { promptsListChanged: true as const }),
    ...((lists & 4) !== 0 && { resourcesListChanged: true as const }),
  }),
)

function mayRead(parts: RelayParts, exchange: Admitted, uri: string): boolean {
  const { route, principal } = exchange
  const circumstances = circumstancesOf(exchange)
  if (route.kind === 'upstream') return parts.visibility.resource(principal, route.upstream, uri, circumstances)
  const split = splitPrefix(uri, URI_SEPARATOR)
  return (
    split !== undefined &&
    parts.upstreams.has(split.upstream) &&
    parts.visibility.resource(principal, split.upstream, split.rest, circumstances)
  )
}

/** The wishes that concern one upstream, in its own names. What belongs to another is none of its business. */
export function ownWishes(
  parts: RelayParts,
  { route, principal }: Admitted,
  upstream: Upstream,
  wishes: Wishes,
): Wishes {
  if (route.kind === 'upstream') return wishes
  const { resourceSubscriptions = [], taskIds = [], ...rest } = wishes
  const uris = resourceSubscriptions
    .map((uri) => splitPrefix(uri, URI_SEPARATOR))
    .filter((split) => split?.upstream === upstream.name)
    .map((split) => split?.rest as string)
  const tasks = taskIds.filter((id) => parts.tasks.owns(id, principal, upstream.name))
  return {
    ...rest,
    ...(uris.length > 0 && { resourceSubscriptions: uris }),
    ...(tasks.length > 0 && { taskIds: tasks }),
  }
}

/** Nothing may be sent that was not asked for. */
export function isWished(message: Notification, wishes: Wishes): boolean {
  const change = LIST_CHANGES[message.method]
  if (change !== undefined) return wishes[change] === true
  if (message.method === 'notifications/resources/updated') {
    return wishes.resourceSubscriptions?.includes(String(message.params?.['uri'])) === true
  }
  return (
    message.method === 'notifications/tasks' && wishes.taskIds?.includes(String(message.params?.['taskId'])) === true
  )
}

const strings = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
