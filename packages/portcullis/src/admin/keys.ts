/** `/keys`: the API keys of a tenant. */
import { randomBytes } from 'node:crypto'
import { ApiKeyLifecycle } from '../identity/api-key-lifecycle.ts'
import type { ApiKey } from '../identity/api-key-store.ts'
import type { AdminView } from '../gateway/administration.ts'
import { digestOf } from '../mcp/canonical.ts'
import { type Fields, flag, optional, several, text, whole } from './fields.ts'
import { conflict, requireRoles, requireUpstreams, unknownThing } from './known.ts'
import { byTime, PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminCall, type AdminRoute, ADMINISTRATORS, AUDITORS, route } from './route.ts'

const DAY_SECONDS = 86_400
const USUAL_LIFE_SECONDS = 90 * DAY_SECONDS
const LONGEST_LIFE_SECONDS = 3650 * DAY_SECONDS

const NEW_KEY = {
  name: text('what the key is for'),
  roles: several(text('a role of the tenant', { max: 64 }), 50, 1),
  upstreams: optional(several(text('an upstream of the tenant', { max: 64 }), 1_000, 1)),
  lifeSeconds: optional(whole('seconds until it expires; 90 days when absent', 60, LONGEST_LIFE_SECONDS)),
  neverExpires: optional(flag('it works until it is revoked')),
}

const ROTATION = { overlapSeconds: optional(whole('how long the old key works on', 0, 30 * DAY_SECONDS)) }
const END = { reason: optional(text('for the record')) }

export const KEY_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/keys', name: 'listKeys', summary: 'The API keys of a tenant, oldest first.' },
    may: AUDITORS,
    query: PAGE_FIELDS,
    async run({ view, tenant, query }) {
      const { items, next } = pageOf(await lifecycle(view).list(tenant), (key) => byTime(key.createdAt, key.id), query)
      return { document: { keys: items.map(shown), ...(next && { next }) } }
    },
  }),
  route({
    ...{ method: 'GET', path: '/keys/{id}', name: 'readKey', summary: 'One API key.' },
    may: AUDITORS,
    run: async (call) => answer(await find(call)),
  }),
  route({
    ...{ method: 'POST', path: '/keys', name: 'createKey', summary: 'Issues a key. It is shown this once.' },
    may: ADMINISTRATORS,
    body: NEW_KEY,
    status: 201,
    run: createKey,
  }),
  route({
    ...{ method: 'POST', path: '/keys/{id}/rotate', name: 'rotateKey' },
    summary: 'Gives a key a successor, which is shown this once.',
    may: ADMINISTRATORS,
    body: ROTATION,
    ifMatch: 'possible',
    status: 201,
    run: rotateKey,
  }),
  route({
    ...{ method: 'POST', path: '/keys/{id}/revoke', name: 'revokeKey' },
    summary: 'Ends a key at once, with what is under way.',
    may: ADMINISTRATORS,
    urgent: true,
    body: END,
    ifMatch: 'possible',
    run: revokeKey,
  }),
]

async function createKey({ view, tenant, body, change }: AdminCall<Fields, typeof NEW_KEY>) {
  const { name, roles, upstreams, lifeSeconds = USUAL_LIFE_SECONDS, neverExpires = false } = body
  requireRoles(view, tenant, roles)
  requireUpstreams(view, tenant, upstreams ?? [])
  const expiresAt = view.clock.now() + lifeSeconds * 1000
  const request = { tenant, name, roles, ...(upstreams && { upstreams }), ...(!neverExpires && { expiresAt }) }
  const { key, record } = await change((announce) =>
    lifecycle(view).issue(request, (planned) =>
      announce({ what: 'key.created', id: planned.id, after: core(planned), detail: { roles } }),
    ),
  )
  return answer(record, { key: key.reveal() })
}

async function rotateKey(call: AdminCall<Fields, typeof ROTATION>) {
  const { view, tenant, body, change, mustMatch } = call
  const { overlapSeconds = 3600 } = body
  if (overlapSeconds === 0) refuseOwn(call, 'Rotate the key that you are using with an overlap.')
  const issued = await change(async (announce) => {
    const key = await find(call)
    mustMatch(digestOf(core(key)))
    const made = await lifecycle(view).rotate(tenant, key.id, {
      overlapSeconds,
      before: (successor) => announce(rotation(key, successor)),
    })
    return made ?? Promise.reject(conflict('This key is revoked, expired or replaced already.', { key: key.id }))
  })
  return answer(issued.record, { key: issued.key.reveal() })
}

function rotation(key: ApiKey, { id, predecessorEndsAt }: { readonly id: string; readonly predecessorEndsAt: number }) {
  const expiresAt = Math.min(key.expiresAt ?? Number.POSITIVE_INFINITY, predecessorEndsAt)
  const after = core({ ...key, expiresAt, replacedBy: id })
  return { what: 'key.rotated', id: key.id, before: core(key), after, detail: { successor: id } }
}

/** What is revoked already is made known once more: so a second try heals a first that ended in between. */
async function revokeKey(call: AdminCall<Fields, typeof END>) {
  const { view, tenant, body, change, mustMatch } = call
  const { reason = 'revoked by an administrator' } = body
  refuseOwn(call, 'You cannot revoke the key that you are using.')
  return change(async (announce) => {
    const key = await find(call)
    mustMatch(digestOf(core(key)))
    const isNews = key.revokedAt === undefined
    const facts = { what: 'key.revoked', id: key.id, before: core(key), after: { ...core(key), revoked: true } }
    if (isNews) await announce({ ...facts, detail: { reason } })
    await lifecycle(view).revoke(tenant, key.id, reason)
    await forgetPrincipal(view, key)
    return answer(await find(call), { changed: isNews })
  })
}

/** With its last key a principal is gone; what was deposited for it goes too. */
async function forgetPrincipal({ stores, vault, clock }: AdminView, { tenant, principal }: ApiKey): Promise<void> {
  const now = clock.now()
  const works = ({ revokedAt, expiresAt = Number.POSITIVE_INFINITY }: ApiKey) =>
    revokedAt === undefined && expiresAt > now
  const left = (await stores.apiKeys.list(tenant)).some((one) => one.principal === principal && works(one))
  if (!left) await vault().removePrincipal(tenant, principal)
}

/** Nobody locks themselves out, and the answer still reaches its caller. */
function refuseOwn({ asker, path }: Pick<AdminCall, 'asker' | 'path'>, says: string): void {
  if (asker.credential.kind === 'api-key' && asker.credential.id === path['id']) throw conflict(says)
}

async function find({ view, tenant, path }: Pick<AdminCall, 'view' | 'tenant' | 'path'>): Promise<ApiKey> {
  const { id = '' } = path
  const key = (await view.stores.apiKeys.list(tenant)).find((one) => one.id === id)
  if (key === undefined) throw unknownThing('key', id)
  return key
}

const lifecycle = ({ stores, revocations, clock }: AdminView): ApiKeyLifecycle =>
  new ApiKeyLifecycle({ store: stores.apiKeys, revocations, clock, random: randomBytes })

/** What an administrator decides about. When it was used is nobody's decision. */
function core({ createdAt: _created, lastUsedAt: _used, revokedAt, ...rest }: ApiKey): object {
  return { ...rest, revoked: revokedAt !== undefined }
}

const shown = (key: ApiKey): object => ({ ...key, revision: digestOf(core(key)) })

const answer = (key: ApiKey, more: object = {}) => ({
  document: { ...shown(key), ...more },
  revision: digestOf(core(key)),
})
