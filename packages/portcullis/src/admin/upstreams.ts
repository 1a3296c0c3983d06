/** `/upstreams`: the MCP servers behind the gateway, what they said of themselves, and what their processes have used so far. */
import { oversees } from '../gateway/administrators.ts'
import type { LiveProcess } from '../gateway/processes.ts'
import { ownerOf } from '../gateway/scope.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { type Fields, flag, optional } from './fields.ts'
import { unknownThing } from './known.ts'
import { liveOf } from './live.ts'
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
    async run(call) {
      const { items, next } = pageOf(visible(call), ({ name }) => name, call.query)
      return { document: { upstreams: await states(call, items), ...(next && { next }) } }
    },
  }),
  route({
    ...{ method: 'GET', path: '/upstreams/{name}', name: 'readUpstream', summary: 'One upstream.' },
    may: READERS,
    async run(call) {
      const [state] = await states(call, [find(call)])
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
  await change((announce) => announce({ what: 'upstream.restarted', id: name, detail: { everybody } }))
  // After the turn: a process may take seconds to end, and no revocation must wait for that.
  return { document: { name, ended: await liveOf(view).restart(name, concerns) } }
}

function find(call: Looking & Pick<AdminCall, 'path'>): Upstream {
  const { name = '' } = call.path
  const upstream = visible(call).find((one) => one.name === name)
  if (upstream === undefined) throw unknownThing('upstream', name)
  return upstream
}

type Looking = Pick<AdminCall, 'view' | 'asker' | 'tenant'>

/** Nobody is shown an upstream of a tenant that they do not look after. */
function visible({ view, asker, tenant }: Looking): readonly Upstream[] {
  const all = [...liveOf(view).upstreams.values()]
  return all.filter(({ name }) => view.shownTo({ ...asker, tenant }, name))
}

/** Who looks after all sees what an administrator of the tenant would. */
async function states(
  { view, asker, tenant }: Looking,
  chosen: readonly Upstream[],
): Promise<readonly UpstreamState[]> {
  const live = (await liveOf(view).processes.live()).filter((process) =>
    view.shownTo({ ...asker, tenant }, process.upstream, process.tenant),
  )
  return chosen.map(({ name, era, catalogue }) => ({
    name,
    ...(era !== undefined && { era }),
    tools: catalogue.list().length,
    processes: live.filter(({ upstream }) => upstream === name).map(({ upstream: _, ...process }) => process),
  }))
}
