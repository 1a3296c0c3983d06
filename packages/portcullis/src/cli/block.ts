/** `portcullis block`: who and what is refused on every node. */
import type { AdminRequest } from './admin-call.ts'
import { parseDuration } from './durations.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { minute, showList } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'

export interface BlockOptions extends AdminOptions {
  readonly reason?: string
  readonly for?: string
  readonly everywhere?: boolean
}

export function blockAdd(kind: string, value: string, options: BlockOptions, terminal: Terminal): Promise<void> {
  const { reason, everywhere, for: duration } = options
  const forSeconds = duration === undefined ? undefined : parseDuration(duration)
  const body = { kind, value, reason, everywhere, forSeconds }
  return done({ method: 'POST', path: '/blocks', body }, `The ${kind} ${value} is blocked.`, options, terminal)
}

export function blockRemove(kind: string, value: string, options: BlockOptions, terminal: Terminal): Promise<void> {
  const body = { kind, value, everywhere: options.everywhere }
  const says = `The ${kind} ${value} is not blocked any more.`
  return done({ method: 'POST', path: '/blocks/remove', body }, says, options, terminal)
}

export async function blockList(options: BlockOptions, terminal: Terminal): Promise<void> {
  const items = await withAdmin(options, terminal, ({ all }) => all({ method: 'GET', path: '/blocks' }, 'blocks'))
  showList(items, options, terminal, {
    heads: ['KIND', 'VALUE', 'FOR', 'SINCE', 'UNTIL', 'BY', 'REASON'],
    row: ({ kind, value, tenant, at, until, source, reason }) => [
      ...[String(kind), String(value), tenant === undefined ? 'everybody' : String(tenant), minute(Number(at))],
      ...[until === undefined ? 'for ever' : minute(Number(until)), String(source), String(reason)],
    ],
    none: 'There are no blocks.',
  })
}

async function done(request: AdminRequest, says: string, options: BlockOptions, terminal: Terminal): Promise<void> {
  const document = await withAdmin(options, terminal, ({ ask }) => ask(request))
  if (options.json === true) terminal.out(JSON.stringify(document))
  terminal.err(printable(says))
}
