import type { Answer } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import type { Handler } from '../../core/pipeline.ts'
import { isRecord, type Notification, type Response } from '../../mcp/message.ts'
import { relayCall } from './call.ts'
import { discover, initialize } from './hello.ts'
import { Subscriptions } from './listen.ts'
import { relayList } from './lists.ts'
import { accepted, type Admitted, type RelayParts, result } from './parts.ts'
import { ToolLists } from './tools.ts'
import { tellLevel } from './session-link.ts'
import type { Upstream } from '../upstream.ts'
import { upstreamParams } from './upstream-params.ts'

type Relay = (parts: RelayParts, exchange: Admitted) => Promise<Answer>

/** The last stage: what every admitted message does, one line for each method that is not simply carried over. */
export function relay(parts: RelayParts): Handler<Admitted> {
  const tools = new ToolLists()
  const subscriptions = new Subscriptions(parts)
  const own: Readonly<Record<string, Relay>> = {
    initialize: initialize,
    'server/discover': discover,
    ping: async (_parts, exchange) => result(exchange, {}),
    'tools/list': (_parts, exchange) => tools.relay(parts, exchange),
    'prompts/list': relayList,
    'resources/list': relayList,
    'resources/templates/list': relayList,
    'subscriptions/listen': (_parts, exchange) => subscriptions.listen(exchange),
    'logging/setLevel': (_parts, exchange) => setLevel(exchange),
    'resources/subscribe': (_parts, exchange) => subscribe(parts, exchange, 'subscribe'),
    'resources/unsubscribe': (_parts, exchange) => subscribe(parts, exchange, 'unsubscribe'),
  }
  const { explain, within } = parts
  const carry = (exchange: Admitted): Promise<Answer> => {
    const { call } = exchange
    if (call.kind === 'response') return settle(exchange)
    if (call.kind === 'notification') return notified(exchange)
    const answered = (own[call.method] ?? relayCall)(parts, exchange)
    if (explain === undefined) return answered
    return answered.catch(async (thrown: unknown) => {
      throw await explain(thrown, exchange)
    })
  }
  return within === undefined ? carry : (exchange) => within(exchange, async () => carry(exchange))
}

/** The client's answer to a question of an upstream. An answer to nothing is accepted and dropped. */
async function settle({ call, session }: Admitted): Promise<Answer> {
  session?.settle(call.message as Response)
  return accepted
}

async function notified({ call, session, protectedParams }: Admitted): Promise<Answer> {
  if (session === undefined) return accepted
  if (call.method === 'notifications/cancelled') {
    const id = call.params['requestId']
    if (typeof id === 'string' || typeof id === 'number') session.cancel(id)
  }
  if (call.method === 'notifications/roots/list_changed') {
    // Only upstreams that this session has already reached can have asked for the roots.
    const message = protectedParams === undefined ? call.message : { ...call.message, params: protectedParams }
    for (const link of await session.openLinks()) await link.notify(message as Notification).catch(() => {})
  }
  return accepted
}

const LEVELS: ReadonlySet<unknown> = new Set([
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
])

/** Kept for modern upstreams, where the level travels with each request, and for links that are opened later. */
async function setLevel(exchange: Admitted): Promise<Answer> {
  const { session, call } = exchange
  const { level } = call.params
  if (session === undefined) throw new Fault('session.required')
  if (typeof level !== 'string' || !LEVELS.has(level))
    throw new Fault('message.invalid_params', {}, { says: 'params.level must be a log level.' })
  session.logLevel = level
  await Promise.all((await session.openLinks()).map((link) => tellLevel(link, level)))
  return result(exchange, {})
}

/** A legacy upstream is told; towards a modern one the gateway listens for the session. */
async function subscribe(parts: RelayParts, exchange: Admitted, verb: 'subscribe' | 'unsubscribe'): Promise<Answer> {
  const { session } = exchange
  const upstream = parts.upstreams.get(exchange.upstream as string) as Upstream
  if (session === undefined) throw new Fault('session.required')
  const { era, server } = await upstream.connect()
  if (era === 'legacy') return relayCall(parts, exchange)
  const { resources } = server.capabilities
  if (!isRecord(resources) || resources['subscribe'] !== true)
    throw new Fault('message.unknown_method', { method: exchange.call.method, upstream: upstream.name })
  const uri = String(upstreamParams(exchange)['uri'])
  parts.listeners.of(parts, session, upstream)[verb](uri)
  return result(exchange, {})
}
