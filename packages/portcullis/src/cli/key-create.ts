/** `portcullis key create`: issues an API key and shows it once. */
import { rolesOf, upstreamsOf } from '../config/check-tenants.ts'
import type { Config } from '../config/schema.ts'
import type { ApiKeyRequest } from '../identity/api-key-lifecycle.ts'
import { parseDuration } from './durations.ts'
import { CommandError, EXIT } from './exit.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import { withKeys } from './open-keys.ts'
import type { Terminal } from './terminal.ts'

export interface KeyCreateOptions extends ConfigOption {
  readonly name: string
  readonly role: readonly string[]
  readonly tenant: string
  readonly upstream?: readonly string[]
  readonly expires: string
  readonly json?: boolean
}

export async function keyCreate(options: KeyCreateOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const request = requestOf(options, config, terminal)
  const { key, record } = await withKeys(config, terminal, (keys) => keys.issue(request))
  if (options.json === true) {
    terminal.out(JSON.stringify({ ...record, key: key.reveal() }))
    return
  }
  terminal.err(`Key ${record.id} for ${request.roles.join(', ')} of tenant ${request.tenant}. It is shown only now:`)
  terminal.out(key.reveal())
}

/** A role or an upstream that does not exist would make a key that silently may do nothing. */
function requestOf(options: KeyCreateOptions, config: Config, terminal: Terminal): ApiKeyRequest {
  if (config.tenants) requireKnown('tenant', [options.tenant], Object.keys(config.tenants))
  requireKnown('role', options.role, rolesOf(config, options.tenant))
  requireKnown('upstream', options.upstream ?? [], upstreamsOf(config, options.tenant))
  const { name, tenant, role: roles, upstream: upstreams, expires } = options
  return {
    name,
    tenant,
    roles,
    ...(upstreams === undefined ? {} : { upstreams }),
    ...(expires === 'never' ? {} : { expiresAt: terminal.clock.now() + parseDuration(expires) * 1000 }),
  }
}

function requireKnown(what: string, names: readonly string[], known: readonly string[]): void {
  const stranger = names.find((name) => !known.includes(name))
  if (stranger === undefined) return
  const list = known.length === 0 ? 'none' : known.join(', ')
  throw new CommandError(EXIT.usage, `there is no ${what} ${JSON.stringify(stranger)}; known are ${list}`)
}
