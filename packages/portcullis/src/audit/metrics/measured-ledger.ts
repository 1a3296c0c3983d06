/** A ledger whose records are counted. */
import { performance } from 'node:perf_hooks'
import type { Ledger } from '../ledger.ts'
import type { Metrics } from './metrics.ts'

export function measuredLedger(ledger: Ledger, metrics: Metrics): Ledger {
  return {
    intact: (tenant) => ledger.intact(tenant),
    append(tenant, body, placed) {
      const startedAt = performance.now()
      const done = ledger.append(tenant, body, placed)
      done.then(
        () => metrics.recorded(body.kind, (performance.now() - startedAt) / 1_000),
        () => metrics.recordLost(),
      )
      return done
    },
  }
}
