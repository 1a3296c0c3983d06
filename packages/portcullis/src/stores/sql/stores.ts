/** The ports that every database serves in the same way; each driver adds those for which it has a way of its own. */
import type { Stores } from '../stores.ts'
import { SqlAccountLinks } from './account-links.ts'
import { SqlAccounts } from './accounts.ts'
import { SqlApiKeys } from './api-keys.ts'
import { SqlClients } from './clients.ts'
import { SqlCredentials } from './credentials.ts'
import { SqlDataKeys } from './data-keys.ts'
import { SqlGrants } from './grants.ts'
import { SqlPasskeys } from './passkeys.ts'
import type { Database } from './statement.ts'

type Common = 'apiKeys' | 'accounts' | 'passkeys' | 'accountLinks' | 'clients' | 'grants' | 'dataKeys' | 'credentials'

export const sqlStores = (db: Database): Pick<Stores, Common> => ({
  apiKeys: new SqlApiKeys(db),
  accounts: new SqlAccounts(db),
  passkeys: new SqlPasskeys(db),
  accountLinks: new SqlAccountLinks(db),
  clients: new SqlClients(db),
  grants: new SqlGrants(db),
  dataKeys: new SqlDataKeys(db),
  credentials: new SqlCredentials(db),
})
