import type { Answer } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import type { Params } from '../../mcp/message.ts'
import { META } from '../../mcp/meta.ts'
import { identityOf } from './finish.ts'
import { AGGREGATE_INFO, cacheHints } from './lists.ts'
import { type Admitted, circumstancesOf, namingOf, type RelayParts, result, upstreamsOf } from './parts.ts'
import type { Upstream } from '../upstream.ts'

const MAX_REMEMBERED = 1_000

/**
 * Answers `tools/list` from the catalogues that dispatch itself uses, so that list and dispatch cannot differ. What one
 * principal sees is remembered until its roles, a catalogue or the policy change; where the policy asks for the time or
 * the address, it is not remembered at all.
 */
export class ToolLists {
  readonly #remembered = new Map<string, { readonly revision: string; readonly tools: readonly Params[] }>()

  async relay(parts: RelayParts, exchange: Admitted): Promise<Answer> {
    if (exchange.call.params['cursor'] !== undefined) {
      throw new Fault('message.invalid_params', {}, { says: 'The cursor is not valid.' })
    }
    const upstreams = upstreamsOf(parts, exchange)
    const ready = await readyOf(parts, exchange, upstreams)
    const tools = this.#toolsOf(parts, exchange, ready)
    return result(exchange, { tools, ...envelopeOf(exchange, ready) })
  }

  #toolsOf(parts: RelayParts, exchange: Admitted, upstreams: readonly Upstream[]): readonly Params[] {
    const { principal, resource } = exchange
    if (!parts.visibility.steady) return upstreams.flatMap((upstream) => shownTools(parts, exchange, upstream))
    const { kind, bound, acr, amr } = principal.credential
    const revision = `${parts.visibility.revision} ${upstreams.map((one) => `${one.name}=${one.catalogue.revision}`).join(' ')}`
    const key = JSON.stringify([
      resource,
      principal.tenant,
      principal.id,
      principal.roles,
      principal.scopes,
      principal.upstreams,
      ...[kind, bound, acr, amr],
    ])
    const known = this.#remembered.get(key)
    if (known?.revision === revision) return known.tools
    const tools = upstreams.flatMap((upstream) => shownTools(parts, exchange, upstream))
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
    this.#remembered.set(key, { revision, tools })
    return tools
  }
}

function shownTools(parts: RelayParts, exchange: Admitted, upstream: Upstream): readonly Params[] {
  const naming = namingOf(exchange, upstream.name)
  const circumstances = circumstancesOf(exchange)
  const shown: Params[] = []
  for (const tool of upstream.catalogue.list()) {
    if (!parts.visibility.tool(exchange.principal, tool, circumstances)) continue
    const advertised = parts.advertise(tool)
    if (advertised !== undefined) shown.push({ ...advertised, name: naming.name(tool.name) })
  }
  return shown
}

/** On an upstream's own path its failure is the answer; on the aggregate path the others still answer. */
async function readyOf(
  parts: RelayParts,
  exchange: Admitted,
  upstreams: readonly Upstream[],
): Promise<readonly Upstream[]> {
  if (exchange.route.kind === 'upstream') {
    await upstreams[0]?.catalogue.ready()
    return upstreams
  }
  const states = await Promise.allSettled(upstreams.map((upstream) => upstream.catalogue.ready()))
  return upstreams.filter((upstream, at) => {
    const state = states[at] as PromiseSettledResult<unknown>
    if (state.status === 'rejected') parts.warn('an upstream is missing from tools/list', { upstream: upstream.name })
    return state.status === 'fulfilled'
  })
}

function envelopeOf(exchange: Admitted, upstreams: readonly Upstream[]): Params {
  if (exchange.call.era === 'legacy') return {}
  const info = exchange.route.kind === 'aggregate' ? AGGREGATE_INFO : identityOf(upstreams[0] as Upstream)
  return { resultType: 'complete', ...cacheHints(exchange, 0), _meta: { [META.serverInfo]: info } }
}
