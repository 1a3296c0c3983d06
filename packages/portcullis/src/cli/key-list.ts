/** `portcullis key list`: the keys of a tenant, never the secrets. */
import type { ApiKey } from '../identity/api-key-store.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { minute, showList } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'

export interface KeyListOptions extends AdminOptions {
  readonly tenant: string
}

export async function keyList(options: KeyListOptions, terminal: Terminal): Promise<void> {
  const keys = await withAdmin(options, terminal, ({ all }) => all({ method: 'GET', path: '/keys' }, 'keys'))
  const now = terminal.clock.now()
  showList(keys as readonly object[] as readonly ApiKey[], options, terminal, {
    heads: ['ID', 'NAME', 'ROLES', 'STATE', 'LAST USED'],
    row: (key) => [key.id, printable(key.name), key.roles.join(','), state(key, now), minute(key.lastUsedAt)],
    none: `Tenant ${options.tenant} has no keys; make one with: portcullis key create`,
  })
}

function state(key: ApiKey, now: number): string {
  if (key.revokedAt !== undefined) return 'revoked'
  if (key.expiresAt === undefined) return 'active'
  if (key.expiresAt <= now) return 'expired'
  return `${key.replacedBy === undefined ? 'until' : 'replaced, until'} ${minute(key.expiresAt)}`
}
