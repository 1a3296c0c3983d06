import { Fault } from '../../core/fault.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { Check } from '../../core/pipeline.ts'
import type { Authenticated } from '../../core/principal.ts'
import type { Routed } from '../../core/route.ts'
import type { Parsed, Target } from '../../mcp/call.ts'
import type { Resolved } from '../../mcp/definition.ts'
import { declaredCapabilities } from '../../mcp/envelope.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import { NAME_SEPARATOR, splitPrefix, URI_SEPARATOR } from '../../mcp/naming.ts'
import type { TaskTable } from './task-table.ts'
import type { Upstream } from '../upstream.ts'

type Needs = Exchange & Routed & Authenticated & Parsed

const NONE: Target = { kind: 'none' }

/**
 * Check `upstream.resolve`: which upstream a message concerns and what it acts upon there. A tool that the catalogue does
 * not know yet is looked for once at its upstream; one that is not there either stays without a definition. An upstream
 * that does not exist `forTenant` is answered like one that exists for nobody, and hears nothing.
 */
export function resolveTarget(
  upstreams: ReadonlyMap<string, Upstream>,
  tasks: TaskTable,
  forTenant: (tenant: string, upstream: string) => boolean,
): Check<Needs, Resolved> {
  const resolve = (exchange: Needs): Resolved | Promise<Resolved> => {
    const { route, call, principal } = exchange
    if (call.target.kind === 'task') mustDeclareTasks(call.params)
    const place =
      route.kind === 'upstream'
        ? { upstream: route.upstream, item: call.target }
        : placeOf(call.target, principal, tasks)
    const exists = place.upstream !== undefined && forTenant(principal.tenant, place.upstream)
    const upstream = exists ? upstreams.get(place.upstream) : undefined
    if (place.upstream !== undefined && upstream === undefined) throw new Fault('policy.unknown_target', { ...place })
    if (place.item.kind === 'task') mustOwn(tasks, place.item.name, exchange, upstream?.name)
    if (place.item.kind !== 'tool' || upstream === undefined) return place
    const tool = upstream.catalogue.known(place.item.name)
    return tool === undefined ? lookAgain(upstream, place) : { ...place, tool }
  }
  return { name: 'upstream.resolve', check: resolve }
}

/** On the aggregate path the name says which upstream is meant. */
function placeOf(target: Target, principal: Authenticated['principal'], tasks: TaskTable): Resolved {
  if (target.kind === 'none') return { item: NONE }
  if (target.kind === 'task') return { upstream: tasks.upstreamOf(target.name, principal), item: target }
  const split = splitPrefix(target.name, target.kind === 'resource' ? URI_SEPARATOR : NAME_SEPARATOR)
  if (split === undefined) throw new Fault('policy.unknown_target', { target: target.name })
  return { upstream: split.upstream, item: { kind: target.kind, name: split.rest } }
}

const TASKS = 'io.modelcontextprotocol/tasks'

/** Task methods exist only for clients that declare the extension (tasks extension, "Capability Negotiation"). */
function mustDeclareTasks(params: Params): void {
  const { extensions } = declaredCapabilities(params)
  if (isRecord(extensions) && extensions[TASKS] !== undefined) return
  const data = { requiredCapabilities: { extensions: { [TASKS]: {} } } }
  throw new Fault('message.missing_capability', { extension: TASKS }, { data })
}

function mustOwn(tasks: TaskTable, taskId: string, { principal }: Needs, upstream: string | undefined): void {
  if (upstream === undefined || !tasks.owns(taskId, principal, upstream)) {
    throw new Fault('message.invalid_params', { taskId }, { says: 'Unknown task.' })
  }
}

async function lookAgain(upstream: Upstream, place: Resolved & { readonly item: Target }): Promise<Resolved> {
  const tool = place.item.kind === 'tool' ? await upstream.catalogue.find(place.item.name) : undefined
  return tool === undefined ? place : { ...place, tool }
}
