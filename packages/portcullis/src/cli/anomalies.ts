/** `portcullis anomalies`: who behaves unusually, why, and the end of what followed. */
import { type AdminReply, at } from './admin-call.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { minute, showList } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'

export interface AnomalyOptions extends AdminOptions {
  readonly networks?: boolean
  readonly baseline?: boolean
}

type Row = AdminReply['document']

interface Reason {
  readonly reason: string
  readonly observed: number
  readonly expected: number
  readonly weight: number
}

export async function anomalyList(options: AnomalyOptions, terminal: Terminal): Promise<void> {
  const path = options.networks === true ? '/anomalies/networks' : '/anomalies'
  const items = await withAdmin(options, terminal, ({ all }) => all({ method: 'GET', path }, 'anomalies'))
  showList(items, options, terminal, {
    heads: ['ID', 'LEVEL', 'SCORE', 'ANSWER', 'UNTIL', 'WHY'],
    row: ({ id, level, score, answer, restriction, reasons = [] }: Row) => [
      ...[printable(String(id)), String(level ?? '-'), String(score), String(answer)],
      restriction === undefined ? '-' : minute(Number(restriction.until)),
      (reasons as readonly Reason[]).map(told).join(', ') || '-',
    ],
    none: 'Nobody has behaved unusually.',
  })
}

export async function anomalyShow(id: string, options: AnomalyOptions, terminal: Terminal): Promise<void> {
  const request = { method: 'GET', path: at`/anomalies/subjects/${id}` } as const
  const subject = await withAdmin(options, terminal, ({ ask }) => ask(request, `Nothing is known of ${printable(id)}.`))
  if (options.json === true) return terminal.out(JSON.stringify(subject))
  const { state = '-', calls = 0, days = 0, score = 0, reasons = [], usual = [], restriction } = subject
  terminal.out(
    `${printable(id)}: ${String(state)}, ${String(calls)} calls on ${String(days)} days, score ${String(score)}`,
  )
  for (const reason of reasons as readonly Reason[]) terminal.out(`  unusual: ${told(reason)}`)
  if (restriction !== undefined)
    terminal.out(`  ${String(restriction.answer)} until ${minute(Number(restriction.until))}`)
  for (const { name, windowSeconds, usual: peak, now } of usual as readonly Row[]) {
    const window = windowSeconds === undefined ? '' : ` in ${String(windowSeconds)} s`
    terminal.out(`  ${String(name)}${window}: usually up to ${String(peak)}, now ${String(now)}`)
  }
}

export async function anomalyClear(id: string, options: AnomalyOptions, terminal: Terminal): Promise<void> {
  const place = id.startsWith('network:') ? 'networks' : 'subjects'
  const path = at`/anomalies/${place}/${id}/release`
  const body = options.baseline === true ? { baseline: true } : {}
  const missing = `Nothing is known of ${printable(id)}.`
  const document = await withAdmin(options, terminal, ({ ask }) => ask({ method: 'POST', path, body }, missing))
  if (options.json === true) terminal.out(JSON.stringify(document))
  terminal.err(`Nothing restricts ${printable(id)} any more.`)
}

const told = ({ reason, observed, expected }: Reason): string => `${reason} ${observed} (usual ${expected})`
