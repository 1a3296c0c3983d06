/** Decides what of the message of a caller an upstream gets to see. */
import type { Exchange } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import type { Check } from '../../core/pipeline.ts'
import type { Authenticated } from '../../core/principal.ts'
import type { Routed } from '../../core/route.ts'
import type { Parsed } from '../../mcp/call.ts'
import type { Resolved } from '../../mcp/definition.ts'
import { decodeHeaderValue, encodeHeaderValue, PARAM_HEADER_PREFIX } from '../../mcp/headers.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import { maskRoots } from './mask-message.ts'
import type { MaskRules } from './rules.ts'
import { recogniserOf, TextMasker } from './text-masker.ts'
import { UpwardMask, type UpwardParts, type UpwardPlace } from './upward.ts'
import { placed, upwardRoots } from './upward-roots.ts'

/** Facts of `masking.mask-arguments`: what goes on instead of what the stages before have passed. */
export interface Protected {
  readonly protectedArguments?: Params
  /** All parameters in the upstream's own names, where something beside the arguments was masked. */
  readonly protectedParams?: Params
  /** `Mcp-Param-*` headers, encoded, where one of them was masked. */
  readonly protectedHeaders?: Readonly<Record<string, string>>
}

type Least = Exchange & Authenticated & Routed & Parsed & Resolved & { readonly maskedArguments?: Params }

export interface MaskArgumentsParts<Needs> extends UpwardParts {
  /** Checks the message again as if it had come with these arguments; throws as those checks do. */
  readonly recheck: (exchange: Needs, args: Params) => Promise<void>
  /** Asks the policy again, about the resource of this address; throws as the policy does. */
  readonly recheckUri: (exchange: Needs, uri: string) => Promise<void>
  /** The parameters as they would go to the upstream. */
  readonly paramsOf: (exchange: Needs & Protected) => Params
}

const ASKING: ReadonlySet<string> = new Set(['tools/call', 'prompts/get'])
const NOTHING: Protected = {}

/**
 * Check `masking.mask-arguments`, of all requests and notifications; answers to questions are masked where they are handed on. Throws
 * `masking.arguments_refused` for what cannot be masked without breaking what is asked for. Costs nothing where nothing is configured.
 */
export function maskArguments<Needs extends Least>(parts: MaskArgumentsParts<Needs>): Check<Needs, Protected> {
  const configured = parts.rules.has('arguments')
  const mask = new UpwardMask(parts)
  return {
    name: 'masking.mask-arguments',
    check(exchange) {
      if (!configured || exchange.call.kind === 'response') return NOTHING
      const place = placeOf(exchange)
      const rules = mask.rulesOf(place)
      return rules === undefined ? NOTHING : protect(parts, exchange, rules, mask, place)
    },
  }
}

function placeOf({ principal, tool, upstream, route }: Least): UpwardPlace {
  const own = route.kind === 'upstream' ? route.upstream : ''
  return { principal, upstream: tool?.upstream ?? upstream ?? own, tool: tool?.name ?? '' }
}

async function protect<Needs extends Least>(
  parts: MaskArgumentsParts<Needs>,
  exchange: Needs,
  rules: MaskRules,
  mask: UpwardMask,
  { principal }: UpwardPlace,
): Promise<Protected> {
  const { call } = exchange
  const masker = await mask.masker(rules, principal)
  const args = exchange.maskedArguments ?? call.params['arguments']
  const own = ASKING.has(call.method) && isRecord(args) ? await ofArguments(parts, exchange, masker, args) : NOTHING
  const params = parts.paramsOf({ ...exchange, ...own })
  const masked = await maskRoots(masker, params, upwardRoots(call.method, params), placed)
  await recheckUri(parts, exchange, params, masked)
  const headers = maskedHeaders(masker, exchange.head.headers)
  return {
    ...own,
    ...(masked !== params && { protectedParams: masked }),
    ...(headers && { protectedHeaders: headers }),
  }
}

async function ofArguments<Needs extends Least>(
  { recheck }: MaskArgumentsParts<Needs>,
  exchange: Needs,
  masker: TextMasker,
  args: Params,
): Promise<Protected> {
  const masked = await ofData(masker, args)
  if (masked === args || (await fits(() => recheck(exchange, masked))) === undefined)
    return masked === args ? NOTHING : { protectedArguments: masked }
  const { rules } = masker
  const plain = await ofData(new TextMasker(rules, recogniserOf(rules), { isPlain: true }), args)
  const problem = await fits(() => recheck(exchange, plain))
  if (problem === undefined) return { protectedArguments: plain }
  throw new Fault('masking.arguments_refused', { tool: exchange.tool?.name, reason: problem.code }, { cause: problem })
}

/** Undefined when it fits. */
async function fits(recheck: () => Promise<void>): Promise<Fault | undefined> {
  try {
    await recheck()
    return undefined
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown
    throw thrown
  }
}

const ofData = async (masker: TextMasker, args: Params): Promise<Params> =>
  (await maskRoots(masker, { arguments: args }, [{ value: args, path: ['arguments'], kind: 'data' }])).arguments

/** Another address is another resource, about which nobody has decided yet. */
async function recheckUri<Needs extends Least>(
  { recheckUri: ask }: MaskArgumentsParts<Needs>,
  exchange: Needs,
  before: Params,
  after: Params,
): Promise<void> {
  const { uri } = after
  if (typeof uri !== 'string' || uri === before['uri'] || exchange.item.kind !== 'resource') return
  const problem = await fits(() => ask(exchange, uri))
  if (problem !== undefined) throw new Fault('masking.arguments_refused', { reason: problem.code }, { cause: problem })
}

/** Undefined when nothing in them is masked. A header that repeats an argument is made anew from it by whoever sends it. */
function maskedHeaders(masker: TextMasker, headers: Exchange['head']['headers']): Record<string, string> | undefined {
  let found: Record<string, string> | undefined
  for (const name in headers) {
    const value = headers[name]
    if (!name.startsWith(PARAM_HEADER_PREFIX) || typeof value !== 'string') continue
    const text = decodeHeaderValue(value) ?? value
    const masked = masker.mask(text)
    if (masked !== text) (found ??= {})[name] = encodeHeaderValue(masked)
  }
  return found
}
