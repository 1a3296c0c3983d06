/** Opens the vault of a configuration for the commands on credentials. The gateway may be running: both use the same store. */
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { openVault } from '../gateway/build-access.ts'
import { privateFolder } from '../pki/private-file.ts'
import { CommandError, EXIT } from './exit.ts'
import type { Terminal } from './terminal.ts'

export type OpenVault = ReturnType<typeof openVault>

/** Runs `use` and closes the store whatever happens. Throws CommandError, StoreError, PkiError. */
export async function withVault<T>(
  config: Config,
  terminal: Terminal,
  use: (open: OpenVault) => Promise<T>,
): Promise<T> {
  if (config.store.kind === 'memory') {
    throw new CommandError(
      EXIT.unavailable,
      'A store in memory lives inside the gateway; its credentials cannot be reached from here.',
    )
  }
  privateFolder(config.state)
  const layout = stateLayout(config)
  const { openSqliteStores } = await import('../stores/sqlite/open.ts')
  const stores = await openSqliteStores({ path: layout.store })
  try {
    return await use(openVault(stores, layout, terminal.clock))
  } finally {
    await stores.close()
  }
}
