import type { Ledger } from '../audit/ledger.ts'
import type { Logger } from '../audit/log.ts'
import { GATEWAY_TENANT } from '../audit/record.ts'
import { scrub } from '../audit/scrub.ts'
import type { Clock } from '../core/clock.ts'
import type { Facts, Witness } from '../identity/server/witness.ts'

/** What the authorization server tells becomes records: changes in the tenant's chain, refusals in that of the gateway. */
export function serverWitness(ledger: Ledger, clock: Clock, log: Logger): Witness {
  return {
    changed: (tenant = GATEWAY_TENANT, what, by, facts) =>
      ledger.append(tenant, { kind: 'change', what, ...(by !== undefined && { by }), detail: clean(facts) }),
    refused: ({ incident, receivedAt, peer, head }, code, status, facts) =>
      ledger.append(GATEWAY_TENANT, {
        kind: 'refusal',
        incident,
        code,
        status,
        durationMs: Math.max(0, clock.now() - receivedAt),
        address: peer.address,
        http: { method: head.method.slice(0, 16), path: head.path.slice(0, 256) },
        detail: clean(facts),
      }),
    failed: ({ incident }, error) => log.error('the authorization server failed', { incident, error }),
  }
}

const clean = (facts: Facts): Facts =>
  scrub(Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined))) as Facts
