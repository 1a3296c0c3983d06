/** `/tenants`: which there are, and whether they may do anything. */
import type { AdminView } from '../gateway/administration.ts'
import { oversees } from '../gateway/administrators.ts'
import { ownerOf } from '../gateway/scope.ts'
import { digestOf } from '../mcp/canonical.ts'
import { type Fields, optional, text } from './fields.ts'
import { conflict, unknownThing } from './known.ts'
import { PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminCall, type AdminRoute, ADMINISTRATORS, READERS, route } from './route.ts'

const END = { reason: optional(text('for the record')) }

export const TENANT_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/tenants', name: 'listTenants' },
    summary: 'The tenants: all for those who look after all, otherwise the own one.',
    may: READERS,
    query: PAGE_FIELDS,
    run({ view, asker, query }) {
      const names = oversees(view.config, asker) ? tenantsOf(view) : [asker.tenant]
      const { items, next } = pageOf(names, (name) => name, query)
      return { document: { tenants: items.map((name) => shown(view, name)), ...(next && { next }) } }
    },
  }),
  route({
    ...{ method: 'POST', path: '/tenants/{name}/suspend', name: 'suspendTenant' },
    summary: 'Refuses all requests of a tenant at once, and ends its streams, sessions and processes.',
    may: ADMINISTRATORS,
    urgent: true,
    reach: 'gateway',
    body: END,
    run: suspend,
  }),
  route({
    ...{ method: 'POST', path: '/tenants/{name}/resume', name: 'resumeTenant', summary: 'Lets a tenant in again.' },
    may: ADMINISTRATORS,
    reach: 'gateway',
    run: resume,
  }),
]

async function suspend(call: AdminCall<Fields, typeof END>) {
  const { view, asker, body, change } = call
  const name = known(call)
  if (name === asker.tenant) throw conflict('You cannot suspend your own tenant.')
  const { reason = 'suspended by an administrator' } = body
  const document = await change(async (announce) => {
    const isNews = view.revocations.suspensionOf(name) === undefined
    const before = core(view, name)
    const facts = { what: 'tenant.suspended', id: name, before, after: { ...before, suspended: true } }
    if (isNews) {
      await announce({ ...facts, detail: { reason } })
      const from = view.clock.now()
      const revocation = {
        kind: 'tenant',
        tenant: name,
        id: name,
        from,
        until: Number.MAX_SAFE_INTEGER,
        reason,
      } as const
      await view.revocations.revoke(revocation)
    }
    return { ...shown(view, name), changed: isNews }
  }, name)
  // After the turn: a process may take seconds to end, and no revocation must wait for that.
  await endProcesses(view, name)
  return { document }
}

async function resume(call: AdminCall) {
  const { view, change } = call
  const name = known(call)
  return change(async (announce) => {
    const isNews = view.revocations.suspensionOf(name) !== undefined
    const before = core(view, name)
    if (isNews) {
      await announce({ what: 'tenant.resumed', id: name, before, after: { ...before, suspended: false } })
      const from = view.clock.now()
      await view.revocations.revoke({ kind: 'tenant', tenant: name, id: name, from, until: from, reason: 'resumed' })
    }
    return { document: { ...shown(view, name), changed: isNews } }
  }, name)
}

/** What nobody may use any more has nothing to run for. */
async function endProcesses({ live }: AdminView, tenant: string): Promise<void> {
  if (live === undefined) return
  const concerns = (scope: string) => ownerOf(scope).tenant === tenant
  await Promise.all([...live.upstreams.keys()].map((upstream) => live.restart(upstream, concerns)))
}

function known({ view: { config }, path }: Pick<AdminCall, 'view' | 'path'>): string {
  const { name = '' } = path
  if (config.tenants !== undefined && !Object.hasOwn(config.tenants, name)) throw unknownThing('tenant', name)
  return name
}

/** Without a list of tenants any name is one; then those are told that say something about themselves. */
function tenantsOf({ config }: AdminView): readonly string[] {
  return config.tenants === undefined ? ['default'] : Object.keys(config.tenants)
}

function core({ config, revocations }: AdminView, name: string) {
  const own = config.tenants?.[name]
  return {
    name,
    upstreams: own?.upstreams ?? Object.keys(config.upstreams),
    roles: [...config.policy.roles, ...(own?.policy.roles ?? [])],
    suspended: revocations.suspensionOf(name) !== undefined,
  }
}

function shown(view: AdminView, name: string): object {
  const suspension = view.revocations.suspensionOf(name)
  const since = suspension && { since: suspension.from, reason: suspension.reason }
  return { ...core(view, name), ...since, revision: digestOf(core(view, name)) }
}
