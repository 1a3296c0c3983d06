/** Decides which messages of an upstream are masked on their way to the caller: errors always, all others as configured. */
import type { Answer, Ending, Exchange, Outgoing } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import { whenEnded } from '../../core/lasting.ts'
import type { Wrap } from '../../core/pipeline.ts'
import type { Authenticated } from '../../core/principal.ts'
import type { Routed } from '../../core/route.ts'
import type { Call } from '../../mcp/call.ts'
import type { ToolDefinition } from '../../mcp/definition.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import { maskMessage } from './mask-message.ts'
import { MaskedStream, type Masking, type MaskSource } from './masked-stream.ts'
import { isDefinition, isError } from './message-roots.ts'
import { ownerOf } from './owner.ts'
import type { MaskRules } from './rules.ts'
import type { MaskPlace, RulesInForce } from './settings.ts'
import { recogniserOf, TextMasker, type Tokenise } from './text-masker.ts'
import { tokeniserOf, type TokenKeySource } from './token-desk.ts'

export interface MaskResultsParts {
  readonly rules: RulesInForce
  /** Absent where nothing is tokenised. */
  readonly keys?: TokenKeySource | undefined
  /** Holds a masked result against the tool's `outputSchema`; throws when it does not fit any more. */
  readonly recheck: (tool: ToolDefinition, result: Params, by: object) => void | Promise<void>
}

/** What is known of an exchange whose answers are masked. On the stream of a session there is no call. */
export type Masked = Exchange &
  Authenticated &
  Routed & { readonly call?: Call; readonly upstream?: string; readonly tool?: ToolDefinition }

/**
 * Wrap `masking.mask-results`, the last before the caller. Throws `masking.result_refused` for a result that cannot be masked
 * without breaking the schema that its tool has promised. Where nothing is configured it looks at what is an error, nothing else.
 */
export function maskResults<Known extends Masked>(parts: MaskResultsParts): Wrap<Known> {
  return {
    name: 'masking.mask-results',
    wrap(exchange, next) {
      const answers = new MaskedAnswers(parts, exchange)
      return whenEnded(next(), answers)
    },
  }
}

/** All that one exchange is answered. */
class MaskedAnswers implements Ending, MaskSource {
  readonly #parts: MaskResultsParts
  readonly #exchange: Masked
  readonly #stream: MaskedStream

  constructor(parts: MaskResultsParts, exchange: Masked) {
    this.#parts = parts
    this.#exchange = exchange
    this.#stream = new MaskedStream(exchange.outlet, this)
    exchange.outlet = this.#stream
  }

  maskingOf(message: Outgoing): Masking | Promise<Masking> | undefined {
    return maskingOf(this.#parts, this.#exchange, message)
  }

  /** What the stream holds back still leaves, however the call ends. */
  answered(answer: Answer): Answer | Promise<Answer> {
    const ended = this.#stream.end()
    return ended === undefined ? this.#masked(answer) : ended.then(() => this.#masked(answer))
  }

  failed(thrown: unknown): Promise<never> {
    const ended = this.#stream.end()
    if (ended === undefined) throw thrown
    return ended.then(() => Promise.reject(thrown))
  }

  #masked(answer: Answer): Answer | Promise<Answer> {
    const masking = answer.message && this.maskingOf(answer.message)
    return masking === undefined ? answer : maskedBy(masking, answer)
  }
}

async function maskedBy(masking: Masking | Promise<Masking>, answer: Answer): Promise<Answer> {
  const made = await masking
  return { ...answer, message: await made.whole(answer.message as Outgoing) }
}

function placeOf({ principal, route, upstream, tool }: Masked): MaskPlace {
  const name = tool?.upstream ?? upstream ?? (route.kind === 'upstream' ? route.upstream : '')
  return { tenant: principal.tenant, upstream: name, tool: tool?.name ?? '' }
}

/** How a message is masked; undefined when it stays as it is. */
function maskingOf(
  parts: MaskResultsParts,
  exchange: Masked,
  message: Outgoing,
): Masking | Promise<Masking> | undefined {
  const failed = isError(message)
  if (!failed && (!parts.rules.has('results') || isDefinition(message, exchange.call?.method))) return undefined
  const place = placeOf(exchange)
  const rules = failed ? parts.rules.ofErrors(place) : parts.rules.of('results', place)
  if (rules === undefined) return undefined
  const asked = addressAsked(exchange.call)
  const made = (tokenise?: Tokenise): Masking => {
    const masker = new TextMasker(rules, recogniserOf(rules), { tokenise })
    return {
      masker,
      async whole(one) {
        const out = await maskMessage(masker, one, asked)
        return fit(parts, exchange, rules, one, out)
      },
    }
  }
  if (!rules.tokenises || parts.keys === undefined) return made()
  return tokeniserOf(parts.keys, ownerOf(exchange.principal)).then(made)
}

/** The address as the caller wrote it, which it knows; one with a token in it has become another, which it does not know. */
function addressAsked(call: Call | undefined): string | undefined {
  const asked = call?.params['uri']
  if (typeof asked !== 'string') return undefined
  const { params } = call?.message ?? {}
  return isRecord(params) && params['uri'] === asked ? asked : undefined
}

/** A result whose structured content was masked has to fit its schema: as configured, else in plain characters, else not at all. */
function fit(
  parts: MaskResultsParts,
  exchange: Masked,
  rules: MaskRules,
  message: Outgoing,
  out: Outgoing,
): Outgoing | Promise<Outgoing> {
  const { tool, call } = exchange
  const before = structured(message)
  if (tool?.outputSchema === undefined || call?.method !== 'tools/call') return out
  if (before === undefined || structured(out) === before) return out
  return fitted(parts, exchange, tool, rules, message, out)
}

async function fitted(
  { recheck }: MaskResultsParts,
  exchange: Masked,
  tool: ToolDefinition,
  rules: MaskRules,
  message: Outgoing,
  out: Outgoing,
): Promise<Outgoing> {
  const fits = async (one: Outgoing): Promise<boolean> => {
    try {
      await recheck(tool, one['result'] as Params, exchange)
      return true
    } catch (thrown) {
      if (thrown instanceof Fault) return false
      throw thrown
    }
  }
  if (await fits(out)) return out
  const plain = await maskMessage(new TextMasker(rules, recogniserOf(rules), { isPlain: true }), message, undefined)
  if (await fits(plain)) return plain
  throw new Fault('masking.result_refused', { tool: tool.name })
}

const structured = ({ result }: Outgoing): unknown => (isRecord(result) ? result['structuredContent'] : undefined)
