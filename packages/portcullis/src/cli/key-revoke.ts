/** `portcullis key revoke`: ends a key at once, on every node within a second. */
import { CommandError, EXIT } from './exit.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import { withKeys } from './open-keys.ts'
import type { Terminal } from './terminal.ts'

export interface KeyRevokeOptions extends ConfigOption {
  readonly tenant: string
  readonly reason: string
}

export async function keyRevoke(id: string, options: KeyRevokeOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const revoked = await withKeys(config, terminal, (keys) => keys.revoke(options.tenant, id, options.reason))
  if (!revoked)
    throw new CommandError(EXIT.findings, `Tenant ${options.tenant} has no key ${id} that was not revoked already.`)
  terminal.err(`Key ${id} is revoked.`)
}
