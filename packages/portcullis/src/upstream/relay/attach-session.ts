import type { Exchange } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import type { Check } from '../../core/pipeline.ts'
import type { Authenticated } from '../../core/principal.ts'
import type { Routed } from '../../core/route.ts'
import type { Parsed } from '../../mcp/call.ts'
import type { Session } from './session.ts'
import type { SessionTable } from './session-table.ts'

/** Fact of `upstream.attach-session`: the legacy session that a message belongs to; modern messages have none. */
export interface Sessioned {
  readonly session?: Session
}

type Needs = Exchange & Routed & Authenticated & Parsed

/** Check `upstream.attach-session`. A modern client's session header is ignored (MCP 2026-07-28 removed sessions). */
export function attachSession(sessions: SessionTable): Check<Needs, Sessioned> {
  return {
    name: 'upstream.attach-session',
    check({ call, head, principal, route }) {
      if (call.era === 'modern' || call.method === 'initialize') return {}
      return { session: sessions.find(sessionIdOf(head.headers), principal, route) }
    },
  }
}

/** Throws `session.required` (400) without a session header (2025-11-25 transports, "Session Management"). */
export function sessionIdOf(headers: Exchange['head']['headers']): string {
  const id = headers['mcp-session-id']
  if (typeof id !== 'string' || id === '') throw new Fault('session.required')
  return id
}
