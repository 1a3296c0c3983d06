/** Where the trace of an exchange is kept: on the exchange itself, under a name that no fact can have. */
import type { Exchange } from '../../core/exchange.ts'
import type { Authenticated } from '../../core/principal.ts'
import type { Routed } from '../../core/route.ts'
import type { Parsed } from '../../mcp/call.ts'
import type { Resolved } from '../../mcp/definition.ts'
import type { CallTrace } from './call-trace.ts'

export const TRACE: unique symbol = Symbol('trace')

/** An exchange, whatever is known of it. */
export type Traced = Exchange & Partial<Routed & Authenticated & Parsed & Resolved> & { [TRACE]?: CallTrace }

/** The trace of an exchange; undefined when it has none. */
export const traceOf = (exchange: object): CallTrace | undefined => (exchange as Partial<Traced>)[TRACE]
