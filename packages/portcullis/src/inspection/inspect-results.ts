/** Decides which messages of an upstream are looked at on their way to the client, by whom, and in which order they go on. */
import { isBulky } from '../core/bulk.ts'
import type { Outgoing } from '../core/exchange.ts'
import type { Filter } from '../core/pipeline.ts'
import type { Routed } from '../core/route.ts'
import type { Call } from '../mcp/call.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { InspectionSettings } from './argument-settings.ts'
import type { Claimed } from './claim.ts'
import type { Inspection } from './inspect-arguments.ts'
import type { RecordedFinding } from './recorded-finding.ts'
import { type CaseParts, inspectMessage, isClean, type ToolRules } from './results/result-case.ts'
import { type ResultSettings, resultSettings } from './results/result-settings.ts'
import type { TextInspect } from './results/result-text.ts'
import { type TextPlace, textsInTurns, textsOf, type WalkRules } from './results/result-walk.ts'
import { isShadow } from './verdict.ts'

export interface InspectResultsParts {
  readonly settings: InspectionSettings
  readonly inspectorsOf: (settings: ResultSettings) => readonly TextInspect[]
  /** Names of members of structured content are looked at too. */
  readonly names: boolean
  /** Somebody outside is asked about texts. */
  readonly asksOutside: boolean
  /** Throws for a changed result that does not fit the tool's `outputSchema` any more. */
  readonly recheck: CaseParts['recheck']
}

/** What is known of an exchange whose answers are inspected. On the stream of a session there is no call. */
export interface Answered extends Claimed {
  readonly incident: string
  readonly call?: Call
  readonly route?: Routed['route']
  readonly upstream?: string
  readonly tool?: ToolDefinition
  inspected?: Inspection
}

/**
 * Filter `inspection.inspect-results`: answers, and whatever precedes them on a stream, in their order. Throws
 * `inspection.result_refused` for an answer; of a notification or a question only the text is refused. Without inspectors it
 * costs nothing.
 */
export function inspectResults<Known extends object>(parts: InspectResultsParts): Filter<Known> {
  const tools = new RulesOfTools(parts)
  const tails = new WeakMap<object, Promise<void>>()
  return {
    name: 'inspection.inspect-results',
    filter(message, known) {
      const exchange = known as Answered
      const tail = tails.get(exchange)
      const rules = isDefinition(message, exchange.call?.method) ? undefined : tools.of(exchange)
      const places =
        rules === undefined || rules.inspectors.length === 0
          ? []
          : placesOf(message, { marked: rules.settings.marked, names: parts.names })
      if (rules === undefined || ('length' in places && places.length === 0))
        return tail === undefined ? message : tail.then(() => message)
      if (tail === undefined && 'length' in places && isClean(rules, places)) return message
      const running = (async () => {
        await tail
        return inspectMessage(caseParts(parts, rules, exchange), message, await places)
      })()
      // Nobody overtakes a message that is still looked at.
      const done = running.then(ignore, ignore)
      tails.set(exchange, done)
      void done.then(() => tails.get(exchange) === done && tails.delete(exchange))
      return running
    },
  }
}

const placesOf = (message: Outgoing, rules: WalkRules): readonly TextPlace[] | Promise<readonly TextPlace[]> =>
  isBulky(message) ? textsInTurns(message, rules) : textsOf(message, rules)

const ignore = (): void => {}

/** Definitions are approved by people; see `definitions/`. */
const DEFINITIONS = /\/list$|^initialize$|^server\/discover$|^ping$/

const isDefinition = (message: Outgoing, method = ''): boolean =>
  !('method' in message) && !('error' in message) && DEFINITIONS.test(method)

const MAX_FINDINGS = 16

function caseParts({ recheck }: InspectResultsParts, rules: ToolRules, exchange: Answered): CaseParts {
  const { tool, incident } = exchange
  const record = (findings: readonly RecordedFinding[]) => {
    exchange.inspected ??= { findings: [] }
    const all = [...(exchange.inspected.resultFindings ?? []), ...findings].slice(0, MAX_FINDINGS)
    exchange.inspected.resultFindings = all
    return all
  }
  return { rules, incident, recheck, record, by: exchange, ...(tool && { tool }) }
}

/** Made once for each tool that the configuration names, for each upstream, and for all the others. */
class RulesOfTools {
  readonly #parts: InspectResultsParts
  readonly #made = new Map<string, ToolRules>()

  constructor(parts: InspectResultsParts) {
    this.#parts = parts
  }

  of({ route, tool, upstream = route?.kind === 'upstream' ? route.upstream : '' }: Answered): ToolRules {
    const own = this.#parts.settings.upstreams[upstream]
    const named = tool !== undefined && own?.tools !== undefined && Object.hasOwn(own.tools, tool.name)
    const key = named ? `${upstream} ${tool.name}` : upstream
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const made = this.#make(named ? own?.tools?.[tool.name] : undefined, own)
    this.#made.set(key, made)
    return made
  }

  #make(...nearer: readonly (InspectionSettings['upstreams'][string] | undefined)[]): ToolRules {
    const levels = [...nearer, this.#parts.settings].filter((level) => level !== undefined)
    const settings = resultSettings(levels.map(({ results }) => results))
    const inspectors = this.#parts.inspectorsOf(settings)
    const isPlain = !this.#parts.asksOutside && settings.spotlight === 'none'
    return { levels, settings, inspectors, isPlain, shadow: isShadow(levels) }
  }
}
