// What every backend of the store has to do, port by port.

import type { TestContext } from 'node:test'
import type { Stores } from '../../src/stores/stores.ts'
import { accountLinkStoreContract } from '../contracts/account-link-store.contract.ts'
import { accountStoreContract } from '../contracts/account-store.contract.ts'
import { apiKeyStoreContract } from '../contracts/api-key-store.contract.ts'
import { blockStoreContract } from '../contracts/block-store.contract.ts'
import { clientStoreContract } from '../contracts/client-store.contract.ts'
import { credentialStoreContract } from '../contracts/credential-store.contract.ts'
import { dataKeyStoreContract } from '../contracts/data-key-store.contract.ts'
import { grantStoreContract } from '../contracts/grant-store.contract.ts'
import { passkeyStoreContract } from '../contracts/passkey-store.contract.ts'
import { replayStoreContract } from '../contracts/replay-store.contract.ts'
import { revocationStoreContract } from '../contracts/revocation-store.contract.ts'
import { tenantKeyStoreContract } from '../contracts/tenant-key-store.contract.ts'
import { turnStoreContract } from '../contracts/turn-store.contract.ts'

/** `opened` gives an empty store; whoever gives it sees to its end. */
export function everyContract(name: string, opened: (t: TestContext) => Promise<Stores>): void {
  apiKeyStoreContract(name, async (t) => (await opened(t)).apiKeys)
  accountStoreContract(name, async (t) => (await opened(t)).accounts)
  passkeyStoreContract(name, async (t) => (await opened(t)).passkeys)
  accountLinkStoreContract(name, async (t) => (await opened(t)).accountLinks)
  clientStoreContract(name, async (t) => (await opened(t)).clients)
  grantStoreContract(name, async (t) => (await opened(t)).grants)
  revocationStoreContract(name, async (t) => (await opened(t)).revocations)
  blockStoreContract(name, async (t) => (await opened(t)).blocks)
  credentialStoreContract(name, async (t) => (await opened(t)).credentials)
  dataKeyStoreContract(name, async (t) => (await opened(t)).dataKeys)
  tenantKeyStoreContract(name, async (t) => (await opened(t)).tenantKeys)
  replayStoreContract(name, async (t) => (await opened(t)).replays)
  turnStoreContract(name, async (t) => (await opened(t)).turns)
}
