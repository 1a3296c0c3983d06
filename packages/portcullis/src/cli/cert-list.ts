/** `portcullis cert list`: what was issued, until when, and whether it is revoked. */
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { minute, showList } from './show-list.ts'
import type { Terminal } from './terminal.ts'

export interface CertListOptions extends AdminOptions {
  readonly tenant: string
}

interface Listed {
  readonly serial: string
  readonly use: string
  readonly subject: string
  readonly names: readonly string[]
  readonly notAfter: number
  readonly state: string
  readonly reason?: string
}

export async function certList(options: CertListOptions, terminal: Terminal): Promise<void> {
  const all = await withAdmin(options, terminal, (desk) =>
    desk.all({ method: 'GET', path: '/certificates' }, 'certificates'),
  )
  showList(all as readonly object[] as readonly Listed[], options, terminal, {
    heads: ['SERIAL', 'USE', 'STATE', 'UNTIL', 'SUBJECT', 'NAMES'],
    row: ({ serial, use, state, reason, notAfter, subject, names }) => [
      ...[serial, use, reason === undefined ? state : `${state}: ${reason}`],
      ...[minute(notAfter), subject, names.join(' ')],
    ],
    none: `Nothing was issued for tenant ${options.tenant}; issue a certificate with: portcullis cert issue`,
  })
}
