/** `/definitions`: what upstreams say and nobody has approved, and the approval of exactly what was shown. */
import { GATEWAY_TENANT } from '../audit/record.ts'
import type { ShownDefinition, WaitingDefinition } from '../gateway/definitions-in-force.ts'
import { changeText } from '../inspection/definitions/difference.ts'
import { LockError } from '../inspection/definitions/lock.ts'
import { members, optional, several, text } from './fields.ts'
import { conflict, unknownThing } from './known.ts'
import { liveOf } from './live.ts'
import { PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminCall, type AdminRoute, ADMINISTRATORS, AUDITORS, route } from './route.ts'

const MOST_ITEMS = 1_000
const SHOWN = members('one definition, as it was shown', {
  item: text('its name in the list, such as `tool/read_file`', { max: 10_000, pattern: /^[^]+$/ }),
  digest: text('its `digest` in the list', { max: 64, pattern: /^[0-9a-f]{64}$/ }),
})
const APPROVAL = { items: several(SHOWN, MOST_ITEMS, 1) }

/** The lock is one for all tenants, so only who looks after all of them may. */
export const DEFINITION_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/definitions', name: 'listWaitingDefinitions' },
    summary: 'What upstreams say now and nobody has approved: its digest, the difference, and what looks suspicious.',
    may: AUDITORS,
    reach: 'gateway',
    query: { ...PAGE_FIELDS, upstream: optional(text('only those of this upstream', { max: 128 })) },
    run({ view, query }) {
      if (query.upstream !== undefined) mustExist(view, query.upstream)
      const waiting = liveOf(view).definitions.waiting(query.upstream)
      const { items, next } = pageOf(waiting, ({ upstream, item }) => `${upstream} ${item}`, query)
      return { document: { definitions: items.map(shown), ...(next && { next }) } }
    },
  }),
  route({
    ...{ method: 'POST', path: '/definitions/{upstream}/approve', name: 'approveDefinitions' },
    summary:
      'Approves definitions of an upstream in the lock, all of these or none, as long as they are what was shown.',
    may: ADMINISTRATORS,
    reach: 'gateway',
    body: APPROVAL,
    run({ view, asker, path: { upstream = '' }, body: { items }, change }) {
      const { definitions } = liveOf(view)
      mustExist(view, upstream)
      return change(async (announce) => {
        definitions.mustBeAsShown(upstream, items)
        await announce({ what: 'definitions.approved', id: upstream, detail: { items: items.map(recorded) } })
        signing(() => definitions.approve(upstream, asker.id, items))
        return { document: { upstream, approved: items.map(({ item }) => item) } }
      }, GATEWAY_TENANT)
    },
  }),
]

/** Names of upstreams are no part of what an attacker may learn, so they are looked up where the caller reaches all. */
function mustExist(view: AdminCall['view'], upstream: string): void {
  if (!liveOf(view).upstreams.has(upstream)) throw unknownThing('upstream', upstream)
}

/** `text` of a field is for a reader: one line, with everything escaped that cannot be seen. */
const shown = ({ upstream, item, kind, before, after, fields, roles, findings }: WaitingDefinition): object => ({
  ...{ upstream, item, kind, digest: after },
  ...(before !== undefined && { before }),
  fields: fields.map((field) => ({ ...field, text: changeText(field) })),
  ...(roles && { roles }),
  findings: findings.map(({ reason, at, evidence }) => ({ reason, at, evidence })),
})

const recorded = ({ item, digest }: ShownDefinition): string => `${item} ${digest}`

/** What is wrong with a lock or its keys names folders of this host. */
function signing(approve: () => void): void {
  try {
    approve()
  } catch (thrown) {
    if (!(thrown instanceof LockError)) throw thrown
    throw conflict('The lock cannot be read or signed here.', { reason: thrown.message })
  }
}
