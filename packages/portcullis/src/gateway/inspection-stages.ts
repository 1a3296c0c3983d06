/** The stages that look at what a message and its answer hold, from their shape to their meaning. */
import type { Authorized } from '../core/decision.ts'
import { checkArgumentsStage } from '../inspection/check-arguments.ts'
import { checkResult, checkResultStage } from '../inspection/check-result.ts'
import { checkDefinition, type HeldReason } from '../inspection/definitions/check-definition.ts'
import { inspectArguments } from '../inspection/inspect-arguments.ts'
import { inspectResults, type InspectResultsParts } from '../inspection/inspect-results.ts'
import { checkParamHeadersStage } from '../inspection/param-headers.ts'
import type { ToolSchemas } from '../inspection/tool-schemas.ts'
import type { Params } from '../mcp/message.ts'
import { authorize } from '../policy/authorize.ts'
import type { PolicyEngine } from '../policy/engine.ts'
import type { Approvals } from '../upstream/relay/approval.ts'
import { type Masking, maskingStages } from './build-masking.ts'
import type { InspectionParts } from './build-inspection.ts'
import type { Admitted, Entered, Stages, Understood } from './path.ts'

export interface InspectionStageParts {
  readonly engine: () => PolicyEngine
  readonly schemas: ToolSchemas
  readonly inspection: InspectionParts
  readonly approvals: Approvals
  readonly masking: Masking
  /** Why something waits for approval. */
  readonly heldReason: HeldReason
}

type InspectionStages = Pick<
  Stages,
  | 'checkDefinition'
  | 'checkArguments'
  | 'checkParamHeaders'
  | 'inspectArguments'
  | 'inspectResults'
  | 'inspectStream'
  | 'checkResult'
  | 'maskArguments'
  | 'maskResults'
  | 'maskStream'
>

export function inspectionStages(parts: InspectionStageParts): InspectionStages {
  const { engine, schemas, inspection, approvals, heldReason } = parts
  const checkArguments = checkArgumentsStage(schemas)
  // What was masked is checked and decided upon once more, as if it had come like this.
  // Headers that repeat arguments are made anew for the upstream, from what it gets.
  const decide = authorize(engine)
  const again = [checkArguments, decide]
  const recheck = async (exchange: Understood & Authorized, args: Params) => {
    const call = { ...exchange.call, params: { ...exchange.call.params, arguments: args } }
    for (const stage of again) await stage.check({ ...exchange, call })
  }
  return {
    checkDefinition: checkDefinition(heldReason),
    checkArguments,
    checkParamHeaders: checkParamHeadersStage,
    inspectArguments: inspectArguments<Understood & Authorized>({
      plans: inspection.plans,
      recheck,
      ask: (exchange, question) => approvals.demand(exchange, question),
    }),
    ...resultStages(parts),
    ...maskingStages({
      masking: parts.masking,
      recheckArguments: recheck,
      recheckUri: async (exchange, uri) =>
        void (await decide.check({ ...exchange, item: { kind: 'resource', name: uri } })),
      recheckResult: (tool, result, by) => checkResult(schemas, tool, result, by),
    }),
    checkResult: checkResultStage(schemas),
  }
}

/** Of a message, and of the stream of a session, on which there is no call. */
function resultStages({ schemas, inspection: { settings, results } }: InspectionStageParts) {
  const parts: InspectResultsParts = {
    settings,
    inspectorsOf: results.inspectorsOf,
    names: results.canary !== undefined,
    asksOutside: results.asksOutside,
    recheck: (tool, result, by) => checkResult(schemas, tool, result, by),
  }
  return { inspectResults: inspectResults<Admitted>(parts), inspectStream: inspectResults<Entered>(parts) }
}
