/** `portcullis audit payload`: what was kept of a call, for an auditor; the running gateway records that it was read. */
import { at } from './admin-call.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { printable, type Terminal } from './terminal.ts'

const PROBLEMS: Readonly<Record<string, string>> = {
  missing: 'is not there any more',
  changed: 'is not the one that was recorded, and is not shown',
  'sealed-for-ever': 'cannot be opened: the key of the tenant is gone, or it was sealed for another call',
}

/** Rejects with CommandError: `refused` for whoever is no auditor, `findings` when nothing of the call was kept. */
export async function auditPayload(incident: string, options: AdminOptions, terminal: Terminal): Promise<void> {
  const missing = 'Nothing was kept of this call, or there is no such call in this tenant.'
  const document = await withAdmin(options, terminal, ({ ask }) =>
    ask({ method: 'GET', path: at`/audit/payloads/${incident}` }, missing),
  )
  if (options.json === true) return terminal.out(JSON.stringify(document))
  for (const { kind, seq, bytes, cut, text, problem } of document['payloads']) {
    terminal.out(`${String(kind)} of record ${String(seq)}, ${String(bytes)} bytes${cut === true ? ', cut' : ''}:`)
    // What callers and upstreams sent must not speak to the terminal.
    terminal.out(text === undefined ? `  ${PROBLEMS[problem] ?? String(problem)}` : printable(String(text)))
  }
}
