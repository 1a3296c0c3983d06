/** Decides what of the arguments of a caller an upstream gets to see. */
import { isBulky } from '../../core/bulk.ts'
import type { Exchange } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import type { Check } from '../../core/pipeline.ts'
import type { Authenticated } from '../../core/principal.ts'
import { replaced } from '../../core/replaced.ts'
import { inTurns } from '../../core/turns.ts'
import type { Parsed } from '../../mcp/call.ts'
import type { Resolved } from '../../mcp/definition.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import { ownerOf } from './mask-results.ts'
import { MaskWalk } from './mask-walk.ts'
import type { MaskRules } from './rules.ts'
import type { RulesInForce } from './settings.ts'
import { recogniserOf, TextMasker } from './text-masker.ts'
import { tokeniserOf, type TokenKeySource } from './token-desk.ts'

/** Fact of `masking.mask-arguments`: what goes on instead of the arguments that the stages before have passed. */
export interface Protected {
  readonly protectedArguments?: Params
}

type Least = Exchange & Authenticated & Parsed & Resolved & { readonly maskedArguments?: Params }

export interface MaskArgumentsParts<Needs> {
  readonly rules: RulesInForce
  /** Absent where nothing is tokenised. */
  readonly keys?: TokenKeySource | undefined
  /** Checks the message again as if it had come with these arguments; throws as those checks do. */
  readonly recheck: (exchange: Needs, args: Params) => Promise<void>
}

const ASKING: ReadonlySet<string> = new Set(['tools/call', 'prompts/get'])
const NOTHING: Protected = {}

/**
 * Check `masking.mask-arguments`, of tools and prompts. Throws `masking.arguments_refused` for arguments that cannot be masked
 * without breaking what the tool asks for. Costs nothing where nothing is configured.
 */
export function maskArguments<Needs extends Least>(parts: MaskArgumentsParts<Needs>): Check<Needs, Protected> {
  const configured = parts.rules.has('arguments')
  return {
    name: 'masking.mask-arguments',
    check(exchange) {
      const { call, principal, tool, upstream = '', maskedArguments } = exchange
      if (!configured || !ASKING.has(call.method)) return NOTHING
      const place = { tenant: principal.tenant, upstream: tool?.upstream ?? upstream, tool: tool?.name ?? '' }
      const rules = parts.rules.of('arguments', place)
      const args = maskedArguments ?? call.params['arguments']
      return rules === undefined || !isRecord(args) ? NOTHING : protect(parts, exchange, rules, args)
    },
  }
}

async function protect<Needs extends Least>(
  { keys, recheck }: MaskArgumentsParts<Needs>,
  exchange: Needs,
  rules: MaskRules,
  args: Params,
): Promise<Protected> {
  const tokenise = rules.tokenises && keys ? await tokeniserOf(keys, ownerOf(exchange.principal)) : undefined
  const masked = await mask(new TextMasker(rules, recogniserOf(rules), { tokenise }), args)
  if (masked === args) return NOTHING
  try {
    await recheck(exchange, masked)
    return { protectedArguments: masked }
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    return plainly(recheck, exchange, rules, args)
  }
}

async function plainly<Needs extends Least>(
  recheck: MaskArgumentsParts<Needs>['recheck'],
  exchange: Needs,
  rules: MaskRules,
  args: Params,
): Promise<Protected> {
  const plain = await mask(new TextMasker(rules, recogniserOf(rules), { isPlain: true }), args)
  try {
    await recheck(exchange, plain)
    return { protectedArguments: plain }
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    throw new Fault('masking.arguments_refused', { tool: exchange.tool?.name, reason: thrown.code }, { cause: thrown })
  }
}

async function mask(masker: TextMasker, args: Params): Promise<Params> {
  const walk = new MaskWalk(masker, [{ value: args, path: ['arguments'], kind: 'data' }])
  if (isBulky(args)) await inTurns((until) => walk.go(until))
  else walk.go(Number.POSITIVE_INFINITY)
  return replaced({ arguments: args }, walk.replacements).arguments
}
