/** Decides what the tokens in a message stand for, before anybody reads it: all that follows sees what the upstream will see. */
import { isBulky } from '../../core/bulk.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { Check } from '../../core/pipeline.ts'
import type { Authenticated } from '../../core/principal.ts'
import type { Routed } from '../../core/route.ts'
import type { Call, Parsed } from '../../mcp/call.ts'
import { NAME_SEPARATOR, splitPrefix } from '../../mcp/naming.ts'
import { ownerOf } from './mask-results.ts'
import type { RulesInForce } from './settings.ts'
import { mayHoldTokens, restored, type TokenKeySource } from './token-desk.ts'

export interface RestoreParts {
  readonly rules: RulesInForce
  readonly keys: TokenKeySource
}

type Needs = Exchange & Authenticated & Routed & { readonly bytes: Buffer }

const ASKING: ReadonlySet<string> = new Set(['tools/call', 'prompts/get'])

/** The check `mcp.parse` around another one of that name. Throws `masking.token_refused` beside what that one throws. */
export function restoring(
  parse: Check<Exchange & { readonly bytes: Buffer }, Parsed>,
  parts: RestoreParts,
): Check<Needs, Parsed> {
  const understand = (exchange: Needs, parsed: Parsed): Parsed | Promise<Parsed> => {
    const { call } = parsed
    const args = call.params['arguments']
    // What is so large that it is read in turns is not searched: a token in it stays one.
    if (!ASKING.has(call.method) || isBulky(args) || !mayHoldTokens(args)) return parsed
    return parts.rules.restores(upstreamOf(exchange, call)) ? withValues(parts, exchange, call) : parsed
  }
  return {
    name: parse.name,
    check(exchange) {
      const parsed = parse.check(exchange)
      return parsed instanceof Promise
        ? parsed.then((late) => understand(exchange, late))
        : understand(exchange, parsed)
    },
  }
}

async function withValues({ keys }: RestoreParts, { principal }: Needs, call: Call): Promise<Parsed> {
  const args = await restored(call.params['arguments'], keys, ownerOf(principal))
  return { call: { ...call, params: { ...call.params, arguments: args } } }
}

/** On the path of all upstreams the name of a tool begins with that of its upstream. */
function upstreamOf({ route }: Needs, { target }: Call): string {
  if (route.kind === 'upstream') return route.upstream
  return target.kind === 'none' ? '' : (splitPrefix(target.name, NAME_SEPARATOR)?.upstream ?? '')
}
