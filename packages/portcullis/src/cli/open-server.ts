/** Opens what the commands on users and clients work with. The gateway may be running: both use the same store. */
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { accountSeal } from '../gateway/account-seal.ts'
import { openVault } from '../gateway/build-access.ts'
import { AccountLifecycle } from '../identity/server/account-lifecycle.ts'
import { ClientLifecycle } from '../identity/server/client-lifecycle.ts'
import { MOUNT_PATH } from '../identity/server/settings.ts'
import { privateFolder } from '../pki/private-file.ts'
import { CommandError, EXIT } from './exit.ts'
import type { Terminal } from './terminal.ts'

export interface ServerDesk {
  readonly accounts: AccountLifecycle
  readonly clients: ClientLifecycle
}

/** Runs `use` and closes the store whatever happens. Throws CommandError, StoreError, PkiError. */
export async function withServer<T>(
  config: Config,
  terminal: Terminal,
  use: (desk: ServerDesk) => Promise<T>,
): Promise<T> {
  const { server } = config.identity
  if (server === undefined)
    throw new CommandError(EXIT.usage, 'There is no authorization server: add identity.server to the configuration.')
  if (config.store.kind === 'memory')
    throw new CommandError(
      EXIT.unavailable,
      'A store in memory lives inside the gateway; it cannot be reached from here.',
    )
  privateFolder(config.state)
  const layout = stateLayout(config)
  const { clock } = terminal
  const { openSqliteStores } = await import('../stores/sqlite/open.ts')
  const stores = await openSqliteStores({ path: layout.store })
  const { accounts, clients, grants, revocations: news } = stores
  const seal = accountSeal(() => openVault(stores, layout, clock).keyring)
  const revocations = { revoke: async (one: Parameters<typeof news.revoke>[0]) => void (await news.revoke(one)) }
  const common = { revocations, clock, accessTokenSeconds: server.accessTokenSeconds }
  try {
    return await use({
      accounts: new AccountLifecycle({ ...common, accounts, grants, seal }),
      clients: new ClientLifecycle({ ...common, clients }),
    })
  } finally {
    await stores.close()
  }
}

/** Where people reach the authorization server. Throws CommandError when the system chooses the port. */
export function serverUrl({ listen }: Config): string {
  if (listen.publicUrl !== undefined) return listen.publicUrl + MOUNT_PATH
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  const origin = `${listen.plaintext === undefined ? 'https' : 'http'}://${host}`
  return listen.port === 0 ? `${origin}:PORT${MOUNT_PATH}` : `${origin}:${listen.port}${MOUNT_PATH}`
}
