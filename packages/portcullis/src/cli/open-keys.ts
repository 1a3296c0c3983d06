/** Opens the store of a configuration for the commands on keys. The gateway may be running: both use the same file. */
import { randomBytes } from 'node:crypto'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { ApiKeyLifecycle } from '../identity/api-key-lifecycle.ts'
import { privateFolder } from '../pki/private-file.ts'
import { CommandError, EXIT } from './exit.ts'
import type { Terminal } from './terminal.ts'

/** Runs `use` and closes the store whatever happens. Throws CommandError, StoreError. */
export async function withKeys<T>(
  config: Config,
  terminal: Terminal,
  use: (keys: ApiKeyLifecycle) => Promise<T>,
): Promise<T> {
  if (config.store.kind === 'memory') {
    throw new CommandError(
      EXIT.unavailable,
      'A store in memory lives inside the gateway; its keys cannot be reached from here.',
    )
  }
  privateFolder(config.state)
  const { openSqliteStores } = await import('../stores/sqlite/open.ts')
  const stores = await openSqliteStores({ path: stateLayout(config).store })
  const revocations = {
    revoke: async (news: Parameters<typeof stores.revocations.revoke>[0]) =>
      void (await stores.revocations.revoke(news)),
  }
  const lifecycle = new ApiKeyLifecycle({
    store: stores.apiKeys,
    revocations,
    clock: terminal.clock,
    random: randomBytes,
  })
  try {
    return await use(lifecycle)
  } finally {
    await stores.close()
  }
}
