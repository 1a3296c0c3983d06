import { Cancellation } from '../../src/core/cancellation.ts'
import type { Exchange, RequestHead } from '../../src/core/exchange.ts'
import { Fault } from '../../src/core/fault.ts'
import type { Authenticated } from '../../src/core/principal.ts'

export const clockAt = (milliseconds: number) => ({
  at: milliseconds,
  now() {
    return this.at
  },
})

export function exchangeOf(head: Partial<RequestHead>, address = '192.0.2.1'): Exchange {
  return {
    incident: 'incident',
    receivedAt: 0,
    peer: { address, encrypted: true },
    head: { method: 'POST', path: '/mcp', query: '', headers: {}, ...head },
    body: { read: () => Buffer.alloc(0) },
    outlet: { send: () => {}, open: () => {} },
    departure: new Cancellation(),
  }
}

export function exchangeBy(tenant: string, id: string): Exchange & Authenticated {
  const principal = { tenant, id, roles: [], credential: { kind: 'api-key', id: 'k' } } as const
  return { ...exchangeOf({}), principal }
}

/** The code of the fault that `attempt` throws, or 'passed'. */
export function codeOf(attempt: () => unknown): string {
  try {
    attempt()
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.code
    throw thrown
  }
  return 'passed'
}
