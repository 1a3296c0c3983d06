/** `/roles`: which roles a tenant knows, who has them, and which policies give them anything. */
import { rolesOf } from '../config/check-tenants.ts'
import type { AdminView } from '../gateway/administration.ts'
import { ADMIN_ROLES, adminRolesOf } from '../gateway/administrators.ts'
import { isReadyMade } from '../policy/roles.ts'
import { placeOf } from './policies.ts'
import { PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminRoute, AUDITORS, route } from './route.ts'

export const ROLE_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/roles', name: 'listRoles' },
    summary: 'The roles of a tenant, with the policies that name them and how many have them.',
    may: AUDITORS,
    query: PAGE_FIELDS,
    async run({ view, tenant, query }) {
      const known = [...new Set(rolesOf(view.config, tenant))]
      const { items, next } = pageOf(known, (role) => role, query)
      const holders = await holdersOf(view, tenant)
      const roles = items.map((role) => ({
        name: role,
        readyMade: isReadyMade(role),
        administers: administers(view, tenant, role),
        policies: policiesOf(view, tenant, role),
        holders: holders(role),
      }))
      return { document: { roles, ...(next && { next }) } }
    },
  }),
]

/** As what the administration knows those who have it. */
function administers({ config }: AdminView, tenant: string, role: string): readonly string[] {
  const credential = { kind: 'api-key', id: '' } as const
  const granted = adminRolesOf(config)({ id: '', tenant, roles: [role], credential })
  return ADMIN_ROLES.filter((one) => granted.includes(one))
}

function policiesOf({ live }: AdminView, tenant: string, role: string): readonly object[] {
  const policies = live?.engine().policiesOf(tenant) ?? []
  return policies
    .filter(({ source }) => source.names.some(({ type, id }) => type === 'Role' && id === role))
    .map(placeOf)
}

/** Keys that are revoked and accounts that are disabled hold nothing. */
async function holdersOf({ stores, clock }: AdminView, tenant: string) {
  const now = clock.now()
  const [keys, users, clients] = await Promise.all([
    stores.apiKeys.list(tenant),
    stores.accounts.list(tenant),
    stores.clients.list(tenant),
  ])
  const live = keys.filter(({ revokedAt, expiresAt = now + 1 }) => revokedAt === undefined && expiresAt > now)
  const enabled = (one: { readonly disabledAt?: number }) => one.disabledAt === undefined
  const count = (all: readonly { readonly roles: readonly string[] }[], role: string) =>
    all.filter(({ roles }) => roles.includes(role)).length
  return (role: string) => ({
    keys: count(live, role),
    users: count(users.filter(enabled), role),
    clients: count(clients.filter(enabled), role),
  })
}
