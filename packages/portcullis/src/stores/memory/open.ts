/** Stores that end with the process: for tests, and for gateways without keys of their own. */
import type { Stores } from '../stores.ts'
import { MemoryAccountLinks } from './account-links.ts'
import { MemoryAccounts } from './accounts.ts'
import { MemoryApiKeys } from './api-keys.ts'
import { MemoryBlocks } from './blocks.ts'
import { MemoryClients } from './clients.ts'
import { MemoryCredentials } from './credentials.ts'
import { MemoryDataKeys } from './data-keys.ts'
import { MemoryGrants } from './grants.ts'
import { MemoryPasskeys } from './passkeys.ts'
import { MemoryReplays } from './replays.ts'
import { MemoryRevocations } from './revocations.ts'
import { MemoryTenantKeys } from './tenant-keys.ts'
import { MemoryTurns } from './turns.ts'

export function openMemoryStores(): Stores {
  return {
    apiKeys: new MemoryApiKeys(),
    revocations: new MemoryRevocations(),
    blocks: new MemoryBlocks(),
    replays: new MemoryReplays(),
    accounts: new MemoryAccounts(),
    passkeys: new MemoryPasskeys(),
    accountLinks: new MemoryAccountLinks(),
    clients: new MemoryClients(),
    grants: new MemoryGrants(),
    dataKeys: new MemoryDataKeys(),
    tenantKeys: new MemoryTenantKeys(),
    credentials: new MemoryCredentials(),
    turns: new MemoryTurns(),
    health: async () => {},
    close: async () => {},
  }
}
