/** `portcullis audit hold`: keeps the records of a tenant from being removed, and lets go of them again. */
import { at } from './admin-call.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { minute, showList } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'

export interface HoldOptions extends AdminOptions {
  readonly reason: string
}

export async function holdList(options: AdminOptions, terminal: Terminal): Promise<void> {
  const { holds } = await withAdmin(options, terminal, ({ ask }) => ask({ method: 'GET', path: '/audit/holds' }))
  showList(holds as readonly Record<string, unknown>[], options, terminal, {
    heads: ['NAME', 'SINCE', 'BY', 'REASON'],
    row: ({ name, since, by, reason }) => [
      ...[String(name), minute(Number(since))],
      ...[printable(String(by)), printable(String(reason))],
    ],
    none: 'There are no legal holds.',
  })
}

export async function holdSet(name: string, options: HoldOptions, terminal: Terminal): Promise<void> {
  const { reason } = options
  const request = { method: 'PUT', path: at`/audit/holds/${name}`, body: { reason } } as const
  const document = await withAdmin(options, terminal, ({ ask }) => ask(request))
  if (options.json === true) terminal.out(JSON.stringify(document))
  terminal.err(`No audit record of the tenant is removed while the hold ${printable(name)} stands.`)
}

export async function holdLift(name: string, options: HoldOptions, terminal: Terminal): Promise<void> {
  const { reason } = options
  const request = { method: 'POST', path: at`/audit/holds/${name}/lift`, body: { reason } } as const
  const document = await withAdmin(options, terminal, ({ ask }) => ask(request))
  if (options.json === true) terminal.out(JSON.stringify(document))
  terminal.err(`The hold ${printable(name)} is lifted.`)
}
