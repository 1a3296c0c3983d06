/** `portcullis key create`: issues an API key and shows it once. */
import { upstreamsOf } from '../config/check-tenants.ts'
import type { Config } from '../config/schema.ts'
import { parseDuration } from './durations.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { requireKnown, requireRoles } from './require-roles.ts'
import { printable, type Terminal } from './terminal.ts'

export interface KeyCreateOptions extends AdminOptions {
  readonly name: string
  readonly role: readonly string[]
  readonly tenant: string
  readonly upstream?: readonly string[]
  readonly expires: string
}

export async function keyCreate(options: KeyCreateOptions, terminal: Terminal): Promise<void> {
  const { name, role: roles, upstream: upstreams, tenant, expires } = options
  const life = expires === 'never' ? { neverExpires: true } : { lifeSeconds: parseDuration(expires) }
  await withAdmin(options, terminal, async ({ config, ask }) => {
    if (config) requireExisting(config, options)
    const made = await ask({ method: 'POST', path: '/keys', body: { name, roles, upstreams, ...life } })
    if (options.json === true) return terminal.out(JSON.stringify(made))
    const whose = `for ${roles.map(printable).join(', ')} of tenant ${tenant}`
    terminal.err(`Key ${printable(String(made['id']))} ${whose}. It is shown only now:`)
    terminal.out(printable(String(made['key'])))
  })
}

/** A role or an upstream that does not exist would make a key that silently may do nothing. */
function requireExisting(config: Config, { tenant, role, upstream = [] }: KeyCreateOptions): void {
  requireRoles(config, tenant, role)
  requireKnown('upstream', upstream, upstreamsOf(config, tenant))
}
