/** `portcullis cert revoke`: ends a certificate on every node within a second, and in lists and OCSP at once. */
import { at } from './admin-call.ts'
import { CommandError, EXIT } from './exit.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { printable, type Terminal } from './terminal.ts'

export interface CertRevokeOptions extends AdminOptions {
  readonly tenant: string
  readonly reason: string
}

export async function certRevoke(serial: string, options: CertRevokeOptions, terminal: Terminal): Promise<void> {
  const { tenant, reason, json } = options
  const none = `Tenant ${printable(tenant)} has no certificate ${printable(serial)} that was not revoked already.`
  const revoked = await withAdmin(options, terminal, ({ ask }) =>
    ask({ method: 'POST', path: at`/certificates/${serial}/revoke`, body: { reason } }, none),
  )
  if (revoked['changed'] !== true) throw new CommandError(EXIT.findings, none)
  if (json === true) terminal.out(JSON.stringify(revoked))
  terminal.err(`Certificate ${printable(serial)} is revoked.`)
}
