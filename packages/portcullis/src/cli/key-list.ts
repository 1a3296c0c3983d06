/** `portcullis key list`: the keys of a tenant, never the secrets. */
import type { ApiKey } from '../identity/api-key-store.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import { withKeys } from './open-keys.ts'
import { printable, table } from './terminal.ts'
import type { Terminal } from './terminal.ts'

export interface KeyListOptions extends ConfigOption {
  readonly tenant: string
  readonly json?: boolean
}

export async function keyList(options: KeyListOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const keys = await withKeys(config, terminal, (lifecycle) => lifecycle.list(options.tenant))
  if (options.json === true) {
    for (const key of keys) terminal.out(JSON.stringify(key))
    return
  }
  if (keys.length === 0) terminal.err(`Tenant ${options.tenant} has no keys; make one with: portcullis key create`)
  const now = terminal.clock.now()
  const rows = keys.map((key) => [
    key.id,
    printable(key.name),
    key.roles.join(','),
    state(key, now),
    day(key.lastUsedAt),
  ])
  if (rows.length > 0)
    for (const line of table([['ID', 'NAME', 'ROLES', 'STATE', 'LAST USED'], ...rows])) terminal.out(line)
}

function state(key: ApiKey, now: number): string {
  if (key.revokedAt !== undefined) return 'revoked'
  if (key.expiresAt === undefined) return 'active'
  if (key.expiresAt <= now) return 'expired'
  return `${key.replacedBy === undefined ? 'until' : 'replaced, until'} ${day(key.expiresAt)}`
}

function day(at: number | undefined): string {
  return at === undefined ? 'never' : new Date(at).toISOString().slice(0, 16).replace('T', ' ')
}
