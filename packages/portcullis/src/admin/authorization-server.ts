/** What the nouns of the authorization server stand on. Without one there are no people, clients or grants. */
import { Fault } from '../core/fault.ts'
import type { AdminView } from '../gateway/administration.ts'
import { AccountLifecycle } from '../identity/server/account-lifecycle.ts'
import type { Config } from '../config/schema.ts'

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
