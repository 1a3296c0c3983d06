/**
 * Decides where an exchange keeps what becomes known of it: in places that it has from the start.
 *
 * V8 makes a table of an object to which a dozen members were added under names that it cannot foresee, as the pipeline adds
 * facts; then each stage that looks for the principal searches a table. With all places made at once every exchange has the
 * same shape, and a look into it is one read.
 */
import type { Exchange } from '../core/exchange.ts'
import type { Handler } from '../core/pipeline.ts'
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
