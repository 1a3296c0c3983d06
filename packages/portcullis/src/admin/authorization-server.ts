/** What the nouns of the authorization server stand on. Without one there are no people, clients or grants. */
import { Fault } from '../core/fault.ts'
import type { AdminView } from '../gateway/administration.ts'
import { AccountLifecycle } from '../identity/server/account-lifecycle.ts'
import type { Account } from '../identity/server/account-store.ts'
import type { Config } from '../config/schema.ts'
import { unknownThing } from './known.ts'
import type { AdminCall } from './route.ts'

/** Its settings. Throws `administration.unavailable`. */
export function serverOf({ config }: Pick<AdminView, 'config'>): NonNullable<Config['identity']['server']> {
  const { server } = config.identity
  if (server !== undefined) return server
  const says = 'There is no authorization server: add identity.server to the configuration.'
  throw new Fault('administration.unavailable', { missing: 'identity.server' }, { says })
}

/** Throws `administration.unavailable`. */
export function accountsOf(view: AdminView): AccountLifecycle {
  const { accessTokenSeconds } = serverOf(view)
  const { stores, revocations, clock, seal } = view
  const { accounts, grants, passkeys, accountLinks } = stores
  const kept = { accounts, grants, passkeys, accountLinks }
  return new AccountLifecycle({ ...kept, revocations, seal, clock, accessTokenSeconds })
}

/** The account that the path names. Rejects with `administration.unavailable`, or `transport.not_found`. */
export async function findAccount({
  view,
  tenant,
  path,
}: Pick<AdminCall, 'view' | 'tenant' | 'path'>): Promise<Account> {
  const { name = '' } = path
  const account = await accountsOf(view).find(tenant, name)
  if (account === undefined) throw unknownThing('user', name)
  return account
}
