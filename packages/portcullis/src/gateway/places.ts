/**
 * Decides where an exchange keeps what becomes known of it: in places that it has from the start.
 *
 * V8 makes a table of an object to which a dozen members were added under names that it cannot foresee, as the pipeline adds
 * facts; then each stage that looks for the principal searches a table. With all places made at once every exchange has the
 * same shape, and a look into it is one read.
 */
import type { Body, Exchange, RequestHead } from '../core/exchange.ts'
import type { Handler } from '../core/pipeline.ts'
import type { Received } from '../limits/receive.ts'
import type { Parsed } from '../mcp/call.ts'
import type { Id } from '../mcp/message.ts'
import type { Admitted } from './path.ts'

type Fact = Exclude<keyof Admitted, keyof Exchange>

/** Hands on each exchange with an empty place for each fact. */
export const withPlaces =
  (serve: Handler<Exchange>): Handler<Exchange> =>
  (exchange) =>
    serve(placed(exchange))

/** Nothing outside keeps the exchange itself: the listener has its departure and its outlet, which are the same. */
const placed = ({ incident, receivedAt, peer, head, body, outlet, departure }: Exchange) =>
  ({
    incident,
    receivedAt,
    peer,
    head,
    body,
    outlet,
    departure,
    route: undefined,
    resource: undefined,
    cancellation: undefined,
    principal: undefined,
    freshNonce: undefined,
    signed: undefined,
    bytes: undefined,
    call: undefined,
    session: undefined,
    upstream: undefined,
    item: undefined,
    tool: undefined,
    decision: undefined,
    inspected: undefined,
    maskedArguments: undefined,
    approved: undefined,
    protectedArguments: undefined,
    protectedHeaders: undefined,
    protectedParams: undefined,
    recorded: undefined,
    recordedOutlet: undefined,
  }) satisfies Exchange & Record<Fact, undefined>

const NO_BYTES = Buffer.alloc(0)
const NO_BODY: Body = { read: () => NO_BYTES }
const NO_HEADERS: RequestHead['headers'] = Object.freeze({})

type Writable<T> = { -readonly [Name in keyof T]: T[Name] }

/**
 * What a stream that may be silent for days keeps of its request: who asked, for what, from where, and what was decided. What came
 * in its head and its body was judged; it is 3 KB that nobody reads again.
 */
export function atRest(exchange: Exchange & Parsed & Partial<Received>): void {
  const known = exchange as Writable<Exchange & Parsed & Received>
  const { head, call } = known
  known.bytes = NO_BYTES
  known.body = NO_BODY
  known.head = headAtRest(head)
  // A receipt names the digest of what was asked for, to which the envelope does not belong.
  const { _meta, ...params } = call.params
  const message = { jsonrpc: '2.0', id: call.message.id as Id, method: call.method } as const
  known.call = { ...call, params, message }
}

/** One for each path: a path leads to an upstream, so they are few. */
function headAtRest({ method, path, query }: RequestHead): RequestHead {
  const key = `${method} ${path}`
  const known = query === '' ? heads.get(key) : undefined
  if (known !== undefined) return known
  const made = { method, path, query, headers: NO_HEADERS }
  if (query === '' && heads.size < MAX_HEADS) heads.set(key, made)
  return made
}

const heads = new Map<string, RequestHead>()
const MAX_HEADS = 1_000
