import { Cancellation } from '../../src/core/cancellation.ts'
import type { Answer, Exchange } from '../../src/core/exchange.ts'
import type { Authenticated, Principal } from '../../src/core/principal.ts'
import type { Bounded } from '../../src/limits/bound.ts'

/** What the tests of this room share. */
export const ANSWER: Answer = { status: 200 }

export const principalNamed = (id: string, roles: readonly string[] = []): Principal => ({
  id,
  tenant: 'acme',
  roles,
  credential: { kind: 'api-key', id },
})

export type Known = Exchange & Bounded & Authenticated & { method?: string }

export function newExchange(facts: Partial<Known> = {}): Known {
  return {
    incident: 'incident-1',
    receivedAt: 0,
    peer: { address: '127.0.0.1', encrypted: true },
    head: { method: 'POST', path: '/', query: '', headers: {} },
    body: { read: () => Buffer.alloc(0) },
    outlet: { send: () => undefined, open: () => undefined },
    departure: new Cancellation(),
    cancellation: new Cancellation(),
    principal: principalNamed('alice'),
    ...facts,
  }
}

/** Lets promises that are settled already run their reactions. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
