import { isRecord } from '../../mcp/message.ts'
import { META } from '../../mcp/meta.ts'
import { renameUri } from '../../mcp/naming.ts'
import type { LinkEvents } from '../link.ts'
import { type Admitted, namingOf } from './parts.ts'
import type { Upstream } from '../upstream.ts'

/** Notices that concern a server and not a call. A modern client hears them on a subscription only. */
const OF_THE_SERVER: ReadonlySet<string> = new Set([
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
])

/**
 * Decides which notifications of an upstream go on to the client on the stream of its call: for a modern client only
 * those of the call itself, and log messages only when the call asks for them (MCP 2026-07-28, "Receiving Messages",
 * "Logging"). Legacy servers send both as they please.
 */
export function callNotices(exchange: Admitted, upstream: Upstream): LinkEvents['notify'] {
  const { call, outlet } = exchange
  const isModern = call.era === 'modern'
  const meta = call.params['_meta']
  const wantsLogs = !isModern || (isRecord(meta) && meta[META.logLevel] !== undefined)
  return (message) => {
    if (message.method === 'notifications/message' && !wantsLogs) return undefined
    if (!OF_THE_SERVER.has(message.method)) return outlet.send(message)
    if (message.method === 'notifications/tools/list_changed') void upstream.catalogue.refresh()
    else if (message.method !== 'notifications/resources/updated') upstream.doubt()
    if (isModern) return undefined
    const { params } = message
    const naming = namingOf(exchange, upstream.name)
    return outlet.send(isRecord(params) ? { ...message, params: renameUri(params, naming) } : message)
  }
}
