/** Decides what the tokens in a message stand for, before anybody reads it: all that follows sees what the upstream will see. */
import { isBulky } from '../../core/bulk.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { Check } from '../../core/pipeline.ts'
import type { Authenticated } from '../../core/principal.ts'
import type { Routed } from '../../core/route.ts'
import type { Call, Parsed } from '../../mcp/call.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import { methodOf, targetOf } from '../../mcp/methods.ts'
import { NAME_SEPARATOR, splitPrefix, URI_SEPARATOR } from '../../mcp/naming.ts'
import { ownerOf } from './owner.ts'
import type { RulesInForce } from './settings.ts'
import { mayHoldTokens, restored, type TokenKeySource } from './token-desk.ts'

export interface RestoreParts {
  readonly rules: RulesInForce
  readonly keys: TokenKeySource
}

type Needs = Exchange & Authenticated & Routed & { readonly bytes: Buffer }

/** Of a request, the parameters that people and models fill in. */
const FILLED_IN = ['arguments', 'argument', 'context', 'inputResponses', 'uri', 'ref'] as const
const ASKING: ReadonlySet<string> = new Set([
  ...['tools/call', 'prompts/get', 'resources/read', 'completion/complete'],
  ...['resources/subscribe', 'resources/unsubscribe'],
])

/** The check `mcp.parse` around another one of that name. Throws `masking.token_refused` beside what that one throws. */
export function restoring(
  parse: Check<Exchange & { readonly bytes: Buffer }, Parsed>,
  parts: RestoreParts,
): Check<Needs, Parsed> {
  const understand = (exchange: Needs, parsed: Parsed): Parsed | Promise<Parsed> => {
    const { call } = parsed
    const said = filledIn(call)
    // What is so large that it is read in turns is not searched: a token in it stays one.
    if (said === undefined || isBulky(said) || !mayHoldTokens(said)) return parsed
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

/** Where tokens are looked for; undefined where there is no such place. */
function filledIn({ kind, method, params, message }: Call): Params | undefined {
  if (kind === 'response') return isRecord(message['result']) ? { result: message['result'] } : undefined
  if (!ASKING.has(method)) return undefined
  let found: Record<string, unknown> | undefined
  for (const name of FILLED_IN) if (name in params) (found ??= {})[name] = params[name]
  return found
}

async function withValues({ keys }: RestoreParts, { principal }: Needs, call: Call): Promise<Parsed> {
  const values = await restored(filledIn(call) ?? {}, keys, ownerOf(principal))
  if (call.kind === 'response') return { call: { ...call, message: { ...call.message, ...values } } }
  return { call: aimed({ ...call, params: { ...call.params, ...values } }) }
}

/** Who asks for an address with a token in it asks for the one that the token is part of: that is what the policy decides about. */
function aimed(call: Call): Call {
  const method = methodOf(call.method, call.era)
  const target = method && targetOf(method, call.params)
  return target === undefined ? call : { ...call, target }
}

/** On the path of all upstreams the name of a tool or an address begins with that of its upstream. */
function upstreamOf({ route }: Needs, { target }: Call): string {
  if (route.kind === 'upstream') return route.upstream
  if (target.kind === 'none') return ''
  const separator = target.kind === 'resource' ? URI_SEPARATOR : NAME_SEPARATOR
  return splitPrefix(target.name, separator)?.upstream ?? ''
}
