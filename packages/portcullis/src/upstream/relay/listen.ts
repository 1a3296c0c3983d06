import { Cancellation } from '../../core/cancellation.ts'
import type { Answer, Outgoing } from '../../core/exchange.ts'
import { type Id, isRecord, type Notification, type Params } from '../../mcp/message.ts'
import { META } from '../../mcp/meta.ts'
import { renameUri, splitPrefix, URI_SEPARATOR } from '../../mcp/naming.ts'
import { withoutEnvelope } from './plain-request.ts'
import {
  type Admitted,
  circumstancesOf,
  idOf,
  namingOf,
  type RelayParts,
  refuseAsk,
  result,
  upstreamsOf,
} from './parts.ts'
import { UnpacedStream } from './unpaced-stream.ts'
import type { Upstream } from '../upstream.ts'

/** What a `subscriptions/listen` asks to hear (MCP 2026-07-28, "Subscriptions"). */
interface Wishes {
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

/**
 * Holds a subscription open: acknowledges what the policy lets through, then passes on what the upstreams report of it,
 * until the client leaves or its credential ends.
 */
export async function relayListen(parts: RelayParts, exchange: Admitted): Promise<Answer> {
  const upstreams = upstreamsOf(parts, exchange)
  await reach(exchange, upstreams)
  const wishes = allowedWishes(parts, exchange, upstreams)
  const id = idOf(exchange)
  const ended = new Cancellation()
  const done = new Promise<void>((resolve) => ended.onCancel(() => resolve()))
  exchange.cancellation.onCancel((reason) => ended.cancel(reason))
  const forget = parts.ending.onCancel((reason) => ended.cancel(reason))
  await exchange.outlet.send(marked({ jsonrpc: '2.0', method: ACKNOWLEDGED, params: { notifications: wishes } }, id))
  for (const upstream of upstreams) follow(parts, exchange, upstream, wishes, ended)
  if (Object.keys(wishes).length === 0) ended.cancel('client-cancelled')
  await done
  forget()
  return result(exchange, { resultType: 'complete', _meta: { [META.subscriptionId]: id } })
}

/**
 * What an upstream offers is only known once it was reached, and a modern client may begin with this very request. On an
 * upstream's own path its failure is the answer; on the aggregate path the others are listened to.
 */
async function reach({ route }: Admitted, upstreams: readonly Upstream[]): Promise<void> {
  const reached = await Promise.allSettled(upstreams.map((upstream) => upstream.connect()))
  const [first] = reached
  if (route.kind === 'upstream' && first?.status === 'rejected') throw first.reason
}

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'

/** Wishes less what this principal may not see and what no upstream offers. */
function allowedWishes(parts: RelayParts, exchange: Admitted, upstreams: readonly Upstream[]): Wishes {
  const { notifications } = exchange.protectedParams ?? exchange.call.params
  const asked = isRecord(notifications) ? notifications : {}
  const offers = (capability: string, member: string) =>
    upstreams.some(({ server }) => (server?.capabilities[capability] as Params | undefined)?.[member] === true)
  const uris = strings(asked['resourceSubscriptions']).filter((uri) => mayRead(parts, exchange, uri))
  const tasks = strings(asked['taskIds']).filter((id) =>
    upstreams.some((one) => parts.tasks.owns(id, exchange.principal, one.name)),
  )
  return {
    ...(asked['toolsListChanged'] === true && offers('tools', 'listChanged') && { toolsListChanged: true }),
    ...(asked['promptsListChanged'] === true && offers('prompts', 'listChanged') && { promptsListChanged: true }),
    ...(asked['resourcesListChanged'] === true && offers('resources', 'listChanged') && { resourcesListChanged: true }),
    ...(uris.length > 0 && offers('resources', 'subscribe') && { resourceSubscriptions: uris }),
    ...(tasks.length > 0 && { taskIds: tasks }),
  }
}

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

/** Passes on what one upstream reports. On the aggregate path an upstream that fails ends its own part only. */
function follow(parts: RelayParts, exchange: Admitted, upstream: Upstream, wishes: Wishes, ended: Cancellation): void {
  const id = idOf(exchange)
  const naming = namingOf(exchange, upstream.name)
  const shown = (message: Notification): Outgoing | undefined => {
    const { params } = message
    const renamed = isRecord(params) ? { ...message, params: renameUri(params, naming) } : message
    return heard(renamed, wishes) ? marked(renamed, id) : undefined
  }
  // What comes without a request cannot be held up for one client.
  const stream = new UnpacedStream(exchange.outlet, () => ended.cancel('client-left'))
  const report = (message: Notification): void => {
    const outgoing = shown(message)
    if (outgoing !== undefined) stream.send(outgoing)
  }
  if (wishes.toolsListChanged) {
    ended.onCancel(
      upstream.catalogue.onChange(() => report({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })),
    )
  }
  ended.onCancel(
    upstream.onRejudged((what) => report({ jsonrpc: '2.0', method: `notifications/${what}/list_changed` })),
  )
  const own = ownWishes(parts, exchange, upstream, wishes)
  if (Object.keys(own).length === 0) return
  const lost = (): void => {
    if (ended.cancelled) return
    parts.warn('a subscription lost its upstream', { upstream: upstream.name })
    // Its client would wait in vain; told the end, it listens anew. With several upstreams the others go on.
    if (exchange.route.kind === 'upstream') ended.cancel('upstream-ended')
  }
  if (upstream.era === 'modern') void followModern(parts, exchange, upstream, own, report, ended).then(lost, lost)
  else followLegacy(parts, exchange, upstream, own, report, ended).catch(lost)
}

async function followModern(
  parts: RelayParts,
  exchange: Admitted,
  upstream: Upstream,
  notifications: Wishes,
  report: (message: Notification) => void,
  ended: Cancellation,
): Promise<void> {
  const scope = parts.scopeOf(exchange.principal, upstream.name)
  const hear = (message: Notification): void => {
    if (message.method === ACKNOWLEDGED) return
    if (message.method !== 'notifications/tools/list_changed') return report(message)
    void upstream.catalogue.refresh().then(() => report(message))
  }
  if (notifications.taskIds === undefined) return upstream.listen(scope, { ...notifications }, hear, ended)
  // Tasks are of an extension that this client has declared, and nobody else asks for these.
  const link = await upstream.shared(scope)
  const params = { ...exchange.call.params, notifications }
  await link.request(
    { id: idOf(exchange), method: 'subscriptions/listen', params },
    { notify: hear, ask: refuseAsk },
    ended,
  )
}

/** A legacy upstream reports on its link at any time; resources it has to be told of one by one. */
async function followLegacy(
  parts: RelayParts,
  exchange: Admitted,
  upstream: Upstream,
  notifications: Wishes,
  report: (message: Notification) => void,
  ended: Cancellation,
): Promise<void> {
  const own = parts.scopeOf(exchange.principal, upstream.name)
  // What another scope's link reports is another's, even if both asked for the same.
  const overheard = (message: Notification, scope: string): void => {
    if (scope === own) report(message)
  }
  ended.onCancel(upstream.onUnsolicited(overheard))
  const link = await upstream.shared(own)
  ended.onCancel(upstream.retain(link))
  const base = withoutEnvelope(exchange.call.params)['_meta']
  for (const uri of notifications.resourceSubscriptions ?? []) {
    const params = { uri, ...(base !== undefined && { _meta: base }) }
    await link.request(
      { id: `${idOf(exchange)}-${uri}`, method: 'resources/subscribe', params },
      { notify: report, ask: refuseAsk },
      ended,
    )
  }
}

/** The wishes that concern one upstream, in its own names. What belongs to another is none of its business. */
function ownWishes(parts: RelayParts, { route, principal }: Admitted, upstream: Upstream, wishes: Wishes): Wishes {
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
function heard(message: Notification, wishes: Wishes): boolean {
  const change = LIST_CHANGES[message.method]
  if (change !== undefined) return wishes[change] === true
  if (message.method === 'notifications/resources/updated') {
    return wishes.resourceSubscriptions?.includes(String(message.params?.['uri'])) === true
  }
  return (
    message.method === 'notifications/tasks' && wishes.taskIds?.includes(String(message.params?.['taskId'])) === true
  )
}

function marked(message: Notification, id: Id): Outgoing {
  const meta = isRecord(message.params?.['_meta']) ? message.params['_meta'] : {}
  return { ...message, params: { ...message.params, _meta: { ...meta, [META.subscriptionId]: id } } }
}

const strings = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
