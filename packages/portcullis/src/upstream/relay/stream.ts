import type { Cancellation } from '../../core/cancellation.ts'
import type { Answer, Exchange } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import { LastingStream } from '../../core/lasting.ts'
import type { Handler } from '../../core/pipeline.ts'
import type { Authenticated } from '../../core/principal.ts'
import type { Routed } from '../../core/route.ts'
import { sessionIdOf } from './attach-session.ts'
import type { JournalStream } from './journal.ts'
import { type RelayParts, upstreamsOf } from './parts.ts'
import type { Session } from './session.ts'
import { UnpacedStream } from './unpaced-stream.ts'

type Known = Exchange & Routed & Authenticated & { readonly cancellation: Cancellation }

const ended: Answer = { status: 200 }

/**
 * GET and DELETE of the 2025 revisions: the session's own stream, and its end. A modern client has neither, so without
 * a session both are answered 405 (MCP 2026-07-28, "Earlier Streamable HTTP Revisions").
 */
export function relayStream(parts: RelayParts): Handler<Known> {
  return async (exchange) => {
    const { head, principal, route } = exchange
    if (head.headers['mcp-session-id'] === undefined)
      throw new Fault('transport.method_not_allowed', {}, { headers: { allow: 'POST' } })
    const session = parts.sessions.find(sessionIdOf(head.headers), principal, route)
    if (head.method === 'DELETE') {
      parts.sessions.end(session)
      return ended
    }
    const lost = session.journal.find(String(head.headers['last-event-id'] ?? ''))
    const forget = parts.ending.onCancel((reason) => exchange.cancellation.cancel(reason))
    const over = lost === undefined ? attach(parts, exchange, session) : resume(exchange, session, lost)
    const lasting = new LastingStream()
    const end = (): void => {
      forget()
      lasting.end(ended)
    }
    over.then(end, end)
    return { status: 200, lasting }
  }
}

/** Opens the session's own stream; resolves when it has ended. */
async function attach(parts: RelayParts, exchange: Known, session: Session): Promise<void> {
  const forget: Array<() => void> = []
  for (const upstream of upstreamsOf(parts, exchange)) {
    if (upstream.era === 'modern') parts.listeners.of(parts, session, upstream).start()
    forget.push(
      upstream.catalogue.onChange(() => session.send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })),
      upstream.onRejudged((what) => session.send({ jsonrpc: '2.0', method: `notifications/${what}/list_changed` })),
    )
  }
  try {
    await session.attach(exchange.outlet, exchange.cancellation)
  } finally {
    for (const each of forget) each()
  }
}

/** Goes on with the stream of a call that lost its connection, and with no other (2025-11-25 transports). */
async function resume(
  { outlet, cancellation }: Known,
  session: Session,
  { stream, number }: { readonly stream: JournalStream; readonly number: number },
): Promise<void> {
  outlet.open()
  const forget: Array<() => void> = []
  await new Promise<void>((resolve) => {
    const reader = new UnpacedStream(outlet, { ended: resolve })
    forget.push(
      cancellation.onCancel(() => reader.end()),
      session.onEnd(() => reader.end()),
      stream.follow(number, reader),
    )
  })
  for (const each of forget) each()
}
