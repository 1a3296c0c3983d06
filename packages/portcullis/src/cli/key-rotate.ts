/** `portcullis key rotate`: gives a key a successor; the old one works on for a while. */
import { at } from './admin-call.ts'
import { parseDuration } from './durations.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { printable, type Terminal } from './terminal.ts'

export interface KeyRotateOptions extends AdminOptions {
  readonly tenant: string
  readonly overlap: string
}

export async function keyRotate(id: string, options: KeyRotateOptions, terminal: Terminal): Promise<void> {
  const body = { overlapSeconds: parseDuration(options.overlap) }
  const none = `Tenant ${options.tenant} has no key ${id} that could be rotated.`
  const made = await withAdmin(options, terminal, ({ ask }) =>
    ask({ method: 'POST', path: at`/keys/${id}/rotate`, body }, none),
  )
  if (options.json === true) return terminal.out(JSON.stringify(made))
  terminal.err(
    `Key ${printable(String(made['id']))} takes the place of ${id}, which works for ${options.overlap} more. It is shown only now:`,
  )
  terminal.out(printable(String(made['key'])))
}
