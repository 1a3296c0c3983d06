import type { Cancellation } from '../core/cancellation.ts'
import type { Era, Id, Notification, Params, Request, Response } from '../mcp/message.ts'

/**
 * A way to one upstream, in the era that the upstream speaks. The caller's era is the relay's concern, not the link's.
 *
 * A link owns the ids on its side: it puts its own id on each request and gives every message back with the caller's id,
 * progress token and subscription id. So one link can carry the calls of several callers. It answers an upstream's
 * `ping` itself, because that asks about this hop.
 */
export interface Link {
  readonly era: Era
  readonly server: ServerFacts
  /** True once the link can carry nothing more (process gone, session ended). */
  readonly closed: boolean
  /**
   * Sends a request and resolves with the upstream's response, results and errors alike. Every notification of the
   * request has been taken by `events` before it resolves.
   * Throws the faults `upstream.unavailable`, `upstream.malformed`, `upstream.too_large`, `upstream.ended`.
   * When `cancellation` fires the upstream is told in its own way (modern HTTP: the connection closes; stdio and legacy:
   * `notifications/cancelled`) and the promise rejects with `upstream.ended`.
   */
  request(request: LinkRequest, events: LinkEvents, cancellation: Cancellation): Promise<Response>
  /** Sends a notification that expects nothing. */
  notify(notification: Notification): Promise<void>
  /** Ends the session or the process, and with it every request in flight. Idempotent; never throws. */
  close(): Promise<void>
}

/** A link as the upstream that opened it sees it. */
export interface ManagedLink extends Link {
  /** Requests that wait for their response; subscriptions count. */
  readonly inFlight: number
  /** How it ended, where that is known. */
  readonly ending?: LinkEnding | undefined
}

/**
 * `closed`: by the gateway. `left`: the process ended in order: it had answered requests, and none waited. `crashed`:
 * anything else.
 */
export type LinkEnding = 'closed' | 'left' | 'crashed'

export interface LinkRequest {
  /** The caller's id; the response carries it again. */
  readonly id: Id
  readonly method: string
  readonly params: Params
  /** Id of the caller's request in the audit trail; what a process does meanwhile is told to be of it. */
  readonly incident?: string
  /** Values of `Mcp-Param-*` headers that are to go on (modern HTTP only), names in lower case. */
  readonly paramHeaders?: Readonly<Record<string, string>>
}

/** What arrives for one request before its response, or without any request. */
export interface LinkEvents {
  /** The link sends no further message of this request before a returned promise settles. */
  notify(message: Notification): Promise<void> | void
  /**
   * A request of a legacy upstream (sampling, elicitation, roots). Resolves with the client's response, whatever its
   * id. `withdrawn` fires when the upstream takes the question back or can no longer hear the answer. What it throws
   * is answered as an error with the fault's `says`.
   */
  ask(request: Request, withdrawn?: Cancellation): Promise<Response>
}

/** What the upstream says of itself: of `initialize` or `server/discover`. */
export interface ServerFacts {
  readonly protocolVersion: string
  readonly capabilities: Params
  readonly serverInfo: Params
  readonly instructions?: string
}

/** The client on whose behalf a legacy session or a process is opened. */
export interface LinkClient {
  readonly info: Params
  readonly capabilities: Params
  /** The legacy version to ask for, such as `2025-11-25`. */
  readonly version: string
}

/**
 * The strict parser, handed in by the gateway: the value, or a promise of it for a text that takes long. Throws or rejects
 * with a Fault `message.*` or `upstream.*` for bytes that it refuses.
 */
export type Parse = (bytes: Buffer) => unknown

/** For requests of the gateway itself: nobody listens, and no question is answered. */
export const NO_EVENTS: LinkEvents = {
  notify() {},
  ask: ({ id }) =>
    Promise.resolve({ jsonrpc: '2.0', id, error: { code: -32601, message: 'Requests are not accepted here.' } }),
}
