import { isWide } from '../../core/bulk.ts'
import type { Answer } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import { eachInTurns } from '../../core/turns.ts'
import { isError, isRecord, type Params, type Response } from '../../mcp/message.ts'
import { META } from '../../mcp/meta.ts'
import type { Naming } from '../../mcp/naming.ts'
import { identityOf, modernError } from './finish.ts'
import { plainRequest } from './plain-request.ts'
import {
  type Admitted,
  answer,
  circumstancesOf,
  idOf,
  namingOf,
  type RelayParts,
  result,
  upstreamsOf,
} from './parts.ts'
import type { OfferKind } from '../judge.ts'
import type { Upstream } from '../upstream.ts'

/** A list trimmed to what its reader may use is nobody else's, and must be asked for again soon (MCP "Caching"). */
const MAX_TTL_MS = 60_000

/** Policy is asked for each item, which takes a few microseconds. */
const FEW_ITEMS = 500

interface Kind {
  readonly offer: OfferKind
  /** Member of the result that holds the items. */
  readonly items: string
  /** Server capability without which the method does not exist. */
  readonly capability: string
  readonly visible: (parts: RelayParts, exchange: Admitted, upstream: string, item: Params) => boolean
  readonly rename: (item: Params, naming: Naming) => Params
}

const KINDS: Readonly<Record<string, Kind>> = {
  'prompts/list': {
    offer: 'prompt',
    items: 'prompts',
    capability: 'prompts',
    visible: (parts, exchange, upstream, item) =>
      parts.visibility.prompt(exchange.principal, upstream, String(item['name']), circumstancesOf(exchange)),
    rename: (item, naming) => ({ ...item, name: naming.name(String(item['name'])) }),
  },
  'resources/list': {
    offer: 'resource',
    items: 'resources',
    capability: 'resources',
    visible: (parts, exchange, upstream, item) =>
      parts.visibility.resource(exchange.principal, upstream, String(item['uri']), circumstancesOf(exchange)),
    rename: (item, naming) => ({ ...item, uri: naming.uri(String(item['uri'])) }),
  },
  'resources/templates/list': {
    offer: 'template',
    items: 'resourceTemplates',
    capability: 'resources',
    visible: (parts, exchange, upstream, item) =>
      parts.visibility.resource(exchange.principal, upstream, String(item['uriTemplate']), circumstancesOf(exchange)),
    rename: (item, naming) => ({ ...item, uriTemplate: naming.uri(String(item['uriTemplate'])) }),
  },
}

/** Answers `prompts/list`, `resources/list` and `resources/templates/list`, trimmed to what dispatch would allow. */
export async function relayList(parts: RelayParts, exchange: Admitted): Promise<Answer> {
  const kind = KINDS[exchange.call.method] as Kind
  const upstreams = upstreamsOf(parts, exchange)
  if (exchange.route.kind === 'aggregate') return aggregateList(parts, exchange, kind, upstreams)
  const upstream = upstreams[0] as Upstream
  await upstream.offered()
  const response = await plainRequest(parts, exchange, upstream, exchange.call.params)
  if (!isError(response)) return answer(await trimmed(parts, exchange, upstream, kind, response.result))
  return exchange.call.era === 'modern' ? modernError(response) : answer(response)
}

async function trimmed(
  parts: RelayParts,
  exchange: Admitted,
  upstream: Upstream,
  kind: Kind,
  page: Params,
): Promise<Response> {
  const naming = namingOf(exchange, upstream.name)
  const { resultType = 'complete', [kind.items]: items, nextCursor } = page
  if (resultType !== 'complete' || !Array.isArray(items))
    throw new Fault('upstream.malformed', { upstream: upstream.name, problem: `no ${kind.items}` })
  const shown: Params[] = []
  await eachInTurns(items as readonly unknown[], FEW_ITEMS, (item) => {
    if (!isRecord(item) || isWide(item) || !upstream.admits(kind.offer, item)) return
    if (kind.visible(parts, exchange, upstream.name, item)) shown.push(kind.rename(item, naming))
  })
  return {
    jsonrpc: '2.0',
    id: idOf(exchange),
    // Only what a page is known to have: nobody has read what else the upstream says in it.
    result: {
      [kind.items]: shown,
      ...(typeof nextCursor === 'string' && { nextCursor }),
      ...pageEnvelope(exchange, upstream, parts.visibility.steady ? page['ttlMs'] : 0),
    },
  }
}

function pageEnvelope(exchange: Admitted, upstream: Upstream, ttlMs: unknown): Params {
  if (exchange.call.era === 'legacy') return {}
  const info = exchange.route.kind === 'aggregate' ? AGGREGATE_INFO : identityOf(upstream)
  return { resultType: 'complete', ...cacheHints(exchange, ttlMs), _meta: { [META.serverInfo]: info } }
}

/** Hints of a filtered answer to a modern client; nothing for a legacy one. */
export function cacheHints(exchange: Admitted, ttlMs: unknown): Params {
  if (exchange.call.era === 'legacy') return {}
  return { ttlMs: Math.min(typeof ttlMs === 'number' ? ttlMs : 0, MAX_TTL_MS), cacheScope: 'private' }
}

/** One page of one upstream after the other; the cursor says where the client is. */
async function aggregateList(
  parts: RelayParts,
  exchange: Admitted,
  kind: Kind,
  upstreams: readonly Upstream[],
): Promise<Answer> {
  const { cursor: sent, ...params } = exchange.call.params
  const place = sent === undefined ? { upstream: upstreams[0]?.name, inner: undefined } : parseCursor(sent)
  const start = upstreams.findIndex((upstream) => upstream.name === place.upstream)
  if (sent !== undefined && start < 0) throw badCursor()
  for (let at = Math.max(start, 0); at < upstreams.length; at++) {
    const upstream = upstreams[at] as Upstream
    const inner = at === start ? place.inner : undefined
    const page = await pageOf(parts, exchange, upstream, kind, {
      ...params,
      ...(inner !== undefined && { cursor: inner }),
    })
    if (page === undefined) continue
    const shown = (await trimmed(parts, exchange, upstream, kind, page)) as { result: Params }
    const next =
      typeof page['nextCursor'] === 'string'
        ? { upstream: upstream.name, inner: page['nextCursor'] }
        : { upstream: upstreams[at + 1]?.name }
    const { nextCursor: _replaced, ...rest } = shown.result
    return result(exchange, { ...rest, ...(next.upstream !== undefined && { nextCursor: cursorOf(next) }) })
  }
  return result(exchange, { [kind.items]: [], ...emptyEnvelope(exchange) })
}

/** A page, or undefined when this upstream has no such list or cannot be reached: the others still answer. */
async function pageOf(
  parts: RelayParts,
  exchange: Admitted,
  upstream: Upstream,
  kind: Kind,
  params: Params,
): Promise<Params | undefined> {
  try {
    const { server } = await upstream.connect()
    if (server.capabilities[kind.capability] === undefined) return undefined
    await upstream.offered()
    const response = await plainRequest(parts, exchange, upstream, params)
    if (!isError(response)) return response.result
    parts.warn('an upstream refused its part of a list', { upstream: upstream.name, code: response.error.code })
  } catch (thrown) {
    if (exchange.cancellation.cancelled) throw thrown
    parts.warn('an upstream is missing from a list', {
      upstream: upstream.name,
      fault: thrown instanceof Fault ? thrown.code : 'internal',
    })
  }
  return undefined
}

/** What a modern result needs when no upstream gave one. */
export function emptyEnvelope(exchange: Admitted): Params {
  if (exchange.call.era === 'legacy') return {}
  return { resultType: 'complete', ttlMs: 0, cacheScope: 'private', _meta: { [META.serverInfo]: AGGREGATE_INFO } }
}

export const AGGREGATE_INFO: Params = { name: 'portcullis', title: 'Portcullis', version: '0.1.0' }

interface Place {
  readonly upstream: string | undefined
  readonly inner?: string | undefined
}

const cursorOf = (place: Place): string =>
  Buffer.from(JSON.stringify([place.upstream, place.inner ?? null])).toString('base64url')

/** A cursor only says where to go on; what is shown there is decided anew, so it needs no seal. */
function parseCursor(cursor: unknown): Place {
  try {
    const [upstream, inner] = JSON.parse(Buffer.from(String(cursor), 'base64url').toString()) as [unknown, unknown]
    if (typeof upstream === 'string') return { upstream, inner: typeof inner === 'string' ? inner : undefined }
  } catch {
    // falls through to the one refusal
  }
  throw badCursor()
}

const badCursor = (): Fault => new Fault('message.invalid_params', {}, { says: 'The cursor is not valid.' })
