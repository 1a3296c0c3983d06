/** `/upstreams`: the MCP servers behind the gateway, what they said of themselves, and what their processes have used so far. */
import type { Principal } from '../core/principal.ts'
import { Fault } from '../core/fault.ts'
import type { AdminView, LiveView } from '../gateway/administration.ts'
import { oversees } from '../gateway/administrators.ts'
import type { LiveProcess } from '../gateway/processes.ts'
import { ownerOf } from '../gateway/scope.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { type Fields, flag, optional } from './fields.ts'
import { unknownThing } from './known.ts'
import { PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminCall, type AdminRoute, OPERATORS, READERS, route } from './route.ts'

export interface UpstreamState {
  readonly name: string
  /** Absent until the upstream has answered for the first time. */
  readonly era?: string
  /** Number of its tools, as far as they are known. */
  readonly tools: number
  readonly processes: readonly Omit<LiveProcess, 'upstream'>[]
}

const RESTART = { everybody: optional(flag('those of all tenants, and what these share')) }

export const UPSTREAM_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/upstreams', name: 'listUpstreams' },
    summary: 'The upstreams, and what their processes have used so far.',
    may: READERS,
    query: PAGE_FIELDS,
    async run({ view, asker, tenant, query }) {
      const { items, next } = pageOf(visible(view, asker, tenant), ({ name }) => name, query)
      return { document: { upstreams: await states(view, asker, items), ...(next && { next }) } }
    },
  }),
  route({
    ...{ method: 'GET', path: '/upstreams/{name}', name: 'readUpstream', summary: 'One upstream.' },
    may: READERS,
    async run(call) {
      const [state] = await states(call.view, call.asker, [find(call)])
      return { document: { ...state } }
    },
  }),
  route({
    ...{ method: 'POST', path: '/upstreams/{name}/restart', name: 'restartUpstream' },
    summary:
      'Ends the processes and sessions of an upstream, with the calls that they carry; the next call starts anew.',
    may: OPERATORS,
    body: RESTART,
    run: restart,
  }),
]

async function restart(call: AdminCall<Fields, typeof RESTART>) {
  const { view, asker, tenant, body, change } = call
  const { name } = find(call)
  const overseer = oversees(view.config, asker)
  if (body.everybody === true && !overseer) throw unknownThing('upstream', name)
  // Where there are no tenants to tell apart, what all share is meant too.
  const everybody = body.everybody ?? (overseer && view.config.tenants === undefined)
  const concerns = (scope: string) => everybody || ownerOf(scope).tenant === tenant
  return change(async (announce) => {
    await announce({ what: 'upstream.restarted', id: name, detail: { everybody } })
    const ended = await liveOf(view).restart(name, concerns)
    return { document: { name, ended } }
  })
}

function find({ view, asker, tenant, path }: Pick<AdminCall, 'view' | 'asker' | 'tenant' | 'path'>): Upstream {
  const { name = '' } = path
  const upstream = visible(view, asker, tenant).find((one) => one.name === name)
  if (upstream === undefined) throw unknownThing('upstream', name)
  return upstream
}

/** Nobody is shown an upstream of a tenant that they do not look after. */
function visible(view: AdminView, asker: Principal, tenant: string): readonly Upstream[] {
  const all = [...liveOf(view).upstreams.values()]
  return all.filter(({ name }) => view.shownTo({ ...asker, tenant }, name))
}

async function states(
  view: AdminView,
  asker: Principal,
  chosen: readonly Upstream[],
): Promise<readonly UpstreamState[]> {
  const live = (await liveOf(view).processes.live()).filter(({ upstream, tenant }) =>
    view.shownTo(asker, upstream, tenant),
  )
  return chosen.map(({ name, era, catalogue }) => ({
    name,
    ...(era !== undefined && { era }),
    tools: catalogue.list().length,
    processes: live.filter(({ upstream }) => upstream === name).map(({ upstream: _, ...process }) => process),
  }))
}

function liveOf({ live }: AdminView): LiveView {
  if (live === undefined) throw new Fault('administration.unavailable', {}, { says: 'No gateway is running.' })
  return live
}
