/** Decides what of arguments and results a span carries: of the tools that are named for it, without anything that is a secret. */
import { scrub } from '../audit/scrub.ts'
import type { AttributeValues } from '../audit/telemetry/otlp-value.ts'
import type { Traced } from '../audit/telemetry/traced.ts'
import type { TelemetryConfig } from '../config/telemetry-target.ts'
import { isBulky } from '../core/bulk.ts'
import type { Answer } from '../core/exchange.ts'
import type { Protected } from '../data-protection/masking/mask-arguments.ts'
import type { ArgumentPlans } from '../inspection/argument-plan.ts'
import type { Inspected } from '../inspection/inspect-arguments.ts'
import { withoutSecrets } from '../inspection/without-secrets.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import { isRecord } from '../mcp/message.ts'

type ContentConfig = NonNullable<TelemetryConfig['traces']>['content']
type Described = Traced & Partial<Inspected & Protected>

/** Takes out of any value what must not leave, whatever tool it is of. */
export type ContentMask = (value: unknown) => unknown

export interface SpanContentParts {
  readonly plans: Pick<ArgumentPlans, 'of'>
  /** After what the roles of arguments say. Default: the scrubber of the log. */
  readonly mask?: ContentMask
}

/** Undefined where no tool is named, so that no call pays for it. */
export function spanContent(
  { arguments: ofArguments, results, maxCharacters }: ContentConfig,
  { plans, mask = scrub }: SpanContentParts,
): ((exchange: Traced, answer: Answer) => AttributeValues) | undefined {
  if (ofArguments.length === 0 && results.length === 0) return undefined
  const [argumentsOf, resultsOf] = [new Set(ofArguments), new Set(results)]
  const told = (value: unknown): string | undefined => {
    if (value === undefined) return undefined
    // Nobody waits for a span, so what takes long is not gone over.
    return isBulky(value) ? '[large]' : (JSON.stringify(mask(value)) as string | undefined)?.slice(0, maxCharacters)
  }
  return (exchange, answer) => {
    const { tool } = exchange
    if (tool === undefined) return NOTHING
    return {
      'gen_ai.tool.call.arguments': isNamed(argumentsOf, tool) ? told(safeArguments(exchange, tool, plans)) : undefined,
      'gen_ai.tool.call.result': isNamed(resultsOf, tool) ? told(resultOf(answer)) : undefined,
    }
  }
}

const NOTHING: AttributeValues = {}

const isNamed = (names: ReadonlySet<string>, { upstream, name }: ToolDefinition): boolean =>
  names.has(`${upstream}/${name}`) || names.has(`${upstream}/*`)

/** As the upstream gets them. Nothing of a call whose arguments nobody has looked at, or whose tool has no plan. */
function safeArguments(exchange: Described, tool: ToolDefinition, plans: Pick<ArgumentPlans, 'of'>): unknown {
  if (exchange.inspected === undefined) return undefined
  const args = exchange.protectedArguments ?? exchange.maskedArguments ?? exchange.call?.params['arguments']
  const plan = plans.of(tool)
  if (args === undefined || plan instanceof Promise || !plan.usable || isBulky(args)) return undefined
  return withoutSecrets(args, plan.root)
}

function resultOf({ message }: Answer): unknown {
  const result = message?.['result']
  if (!isRecord(result)) return undefined
  const { content, structuredContent } = result
  return { ...(content !== undefined && { content }), ...(structuredContent !== undefined && { structuredContent }) }
}
