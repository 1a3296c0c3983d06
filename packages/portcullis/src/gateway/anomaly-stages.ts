/** The stages that watch how callers behave, hold them back, and have a person asked. */
import { approveStage, restrainStage } from '../anomalies/restrain.ts'
import { watchStage } from '../anomalies/watch-stage.ts'
import type { Authorized } from '../core/decision.ts'
import type { Inspected } from '../inspection/inspect-arguments.ts'
import type { Approvals } from '../upstream/relay/approval.ts'
import type { Anomalies } from './build-anomalies.ts'
import type { Stages, Understood } from './path.ts'

/** They do nothing where nobody watches. */
export function anomalyStages(
  anomalies: Anomalies | undefined,
  approvals: Approvals,
): Pick<Stages, 'watch' | 'restrain' | 'approve'> {
  const ask = (exchange: Understood, question: string) => approvals.demand(exchange, question)
  return {
    watch: watchStage(anomalies),
    restrain: restrainStage(anomalies),
    approve: approveStage<Understood & Authorized & Inspected>(anomalies && { ...anomalies, ask }),
  }
}
