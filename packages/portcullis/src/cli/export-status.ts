/** `portcullis export status|test`: how far each receiver of audit records is behind, and whether one can be reached. */
import { at } from './admin-call.ts'
import { EXIT, type ExitStatus } from './exit.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { showList } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'

export async function exportStatus(options: AdminOptions, terminal: Terminal): Promise<void> {
  const { exporters } = await withAdmin(options, terminal, ({ ask }) => ask({ method: 'GET', path: '/exporters' }))
  showList(exporters as readonly Row[], options, terminal, {
    heads: ['NAME', 'SINK', 'FORMAT', 'BEHIND', 'DELIVERED', 'PUT ASIDE', 'PROBLEM'],
    row: ({ name, sink, format, required, lagRecords, lagSeconds, delivered, deadLetters, problem }) => [
      ...[`${name}${required ? ' (required)' : ''}`, sink, format],
      ...[`${lagRecords} in ${Math.round(lagSeconds)} s`, String(delivered), String(deadLetters), problem ?? '-'],
    ],
    none: 'No exporters are configured.',
  })
}

/** `findings` when the receiver did not take the event. */
export async function exportTest(name: string, options: AdminOptions, terminal: Terminal): Promise<ExitStatus> {
  const request = { method: 'POST', path: at`/exporters/${name}/test`, body: {} } as const
  const missing = `There is no exporter ${printable(name)}.`
  const document = await withAdmin(options, terminal, ({ ask }) => ask(request, missing))
  const { delivered, record, durationMs, problem } = document as Tested
  if (options.json === true) terminal.out(JSON.stringify(document))
  if (delivered) terminal.err(`The receiver took the event ${printable(record)} in ${durationMs} ms.`)
  else terminal.err(`The receiver did not take the event: ${printable(problem ?? 'unknown')}.`)
  return delivered ? EXIT.ok : EXIT.findings
}

interface Row {
  readonly name: string
  readonly sink: string
  readonly format: string
  readonly required: boolean
  readonly lagRecords: number
  readonly lagSeconds: number
  readonly delivered: number
  readonly deadLetters: number
  readonly problem?: string
}

interface Tested {
  readonly delivered: boolean
  readonly record: string
  readonly durationMs: number
  readonly problem?: string
}
