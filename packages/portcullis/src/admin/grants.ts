/** `/grants`: what people have consented to, each with the tokens that stem from it. */
import type { AdminView } from '../gateway/administration.ts'
import { accountPrincipal } from '../identity/server/families.ts'
import type { StoredGrantEntry } from '../identity/server/grant-store.ts'
import { digestOf as entryDigest } from '../identity/server/stored-model.ts'
import { lastTokenEnds } from '../identity/server/token-end.ts'
import { serverOf } from './authorization-server.ts'
import { optional, text } from './fields.ts'
import { conflict, familiesOf, unknownThing, withRevision } from './known.ts'
import { PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminCall, type AdminRoute, ADMINISTRATORS, AUDITORS, route } from './route.ts'

const FILTER = {
  ...PAGE_FIELDS,
  principal: optional(text('only of this principal, such as `user:…`', { max: 512 })),
  client: optional(text('only of this client', { max: 2_000 })),
}

/** As much of its digest as the claim `grant` of a token holds. */
const ID_LENGTH = 32

export const GRANT_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/grants', name: 'listGrants', summary: 'Consents of the people of a tenant.' },
    may: AUDITORS,
    query: FILTER,
    async run({ view, tenant, query }) {
      const { principal, client, ...asked } = query
      const all = (await entriesOf(view, tenant)).filter(isGrant).map((entry) => shown(entry, tenant))
      const chosen = all.filter(
        (one) =>
          (principal === undefined || one.principal === principal) && (client === undefined || one.client === client),
      )
      const { items, next } = pageOf(chosen, ({ id }) => id, asked)
      return { document: { grants: items, ...(next && { next }) } }
    },
  }),
  route({
    ...{ method: 'DELETE', path: '/grants/{id}', name: 'revokeGrant' },
    summary: 'Ends a consent at once, with its codes, refresh tokens, access tokens and streams.',
    may: ADMINISTRATORS,
    urgent: true,
    run: revokeGrant,
  }),
]

async function revokeGrant({ view, asker, tenant, path, change }: AdminCall) {
  const { id = '' } = path
  const { accessTokenSeconds } = serverOf(view)
  const { stores, revocations, clock } = view
  return change(async (announce) => {
    const entries = await entriesOf(view, tenant)
    const entry = entries.find((one) => isGrant(one) && idOf(one) === id)
    if (entry === undefined) throw unknownThing('grant', id)
    if (familiesOf(asker).includes(`grant:${id}`)) throw conflict('You are signed in by this consent.')
    const { revision: _revision, ...before } = shown(entry, tenant)
    await announce({
      what: 'grant.revoked',
      id,
      before,
      detail: { principal: before.principal, client: before.client },
    })
    // The consent goes last: as long as it is there, a second try heals a first that failed in between.
    const from = clock.now()
    const until = lastTokenEnds(from, accessTokenSeconds)
    await revocations.revoke({
      kind: 'token',
      tenant,
      id: `grant:${id}`,
      from,
      until,
      reason: 'the consent was revoked',
    })
    // The family is named by what only a presenter knows; those that stem from it name it too.
    const families = new Set(entries.flatMap(({ grant }) => (grant === undefined ? [] : [grant])))
    for (const family of families) if (entryDigest(family) === entry.digest) await stores.grants.removeGrant(family)
    await stores.grants.remove('Grant', entry.digest)
    return { document: { id, revoked: true } }
  })
}

async function entriesOf(view: AdminView, tenant: string): Promise<readonly StoredGrantEntry[]> {
  serverOf(view)
  const { accounts, grants } = view.stores
  return grants.ofAccounts((await accounts.list(tenant)).map(({ id }) => id))
}

const isGrant = ({ kind }: StoredGrantEntry): boolean => kind === 'Grant'
const idOf = ({ digest }: StoredGrantEntry): string => digest.slice(0, ID_LENGTH)

function shown(entry: StoredGrantEntry, tenant: string) {
  const { account = '', payload, expiresAt } = entry
  const { clientId, resources } = JSON.parse(payload) as { clientId?: string; resources?: Record<string, string> }
  return withRevision({
    ...{ id: idOf(entry), tenant, principal: accountPrincipal(account), expiresAt },
    ...(clientId !== undefined && { client: clientId }),
    ...(resources !== undefined && { resources }),
  })
}
