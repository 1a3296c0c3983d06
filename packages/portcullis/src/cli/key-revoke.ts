/** `portcullis key revoke`: ends a key at once, on every node within a second. */
import { at } from './admin-call.ts'
import { CommandError, EXIT } from './exit.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import type { Terminal } from './terminal.ts'

export interface KeyRevokeOptions extends AdminOptions {
  readonly tenant: string
  readonly reason: string
}

export async function keyRevoke(id: string, options: KeyRevokeOptions, terminal: Terminal): Promise<void> {
  const { tenant, reason } = options
  const none = `Tenant ${tenant} has no key ${id} that was not revoked already.`
  const revoked = await withAdmin(options, terminal, ({ ask }) =>
    ask({ method: 'POST', path: at`/keys/${id}/revoke`, body: { reason } }, none),
  )
  if (revoked['changed'] !== true) throw new CommandError(EXIT.findings, none)
  if (options.json === true) terminal.out(JSON.stringify(revoked))
  terminal.err(`Key ${id} is revoked.`)
}
