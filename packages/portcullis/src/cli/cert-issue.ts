/** `portcullis cert issue` and `renew`: the key is made here, or elsewhere; only a request for it travels. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { writeFirst } from '../pki/private-file.ts'
import { at } from './admin-call.ts'
import { parseDuration } from './durations.ts'
import { CommandError, EXIT } from './exit.ts'
import { type AdminDesk, type AdminOptions, withAdmin } from './open-admin.ts'
import { minute } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'

interface Places {
  readonly out: string
  readonly csr?: string
}

export interface CertIssueOptions extends AdminOptions, Places {
  readonly use: 'server' | 'client'
  readonly name?: readonly string[]
  readonly subject?: string
  readonly expires: string
}

export interface CertRenewOptions extends AdminOptions, Partial<Places> {
  readonly expires?: string
}

type Document = Awaited<ReturnType<AdminDesk['ask']>>

export async function certIssue(options: CertIssueOptions, terminal: Terminal): Promise<void> {
  const { use, name: names = [], subject, expires } = options
  const wish = { use, names, ...(subject !== undefined && { subject }), lifeSeconds: parseDuration(expires) }
  await withAdmin(options, terminal, ({ ask }) =>
    receive(options, options, terminal, (request) =>
      ask({ method: 'POST', path: '/certificates', body: { ...wish, request } }),
    ),
  )
}

export async function certRenew(serial: string, options: CertRenewOptions, terminal: Terminal): Promise<void> {
  const { out, csr, expires } = options
  const life = expires === undefined ? {} : { lifeSeconds: parseDuration(expires) }
  const none = `There is no certificate ${printable(serial)} here.`
  await withAdmin(options, terminal, async ({ ask }) => {
    const path = at`/certificates/${serial}/renew`
    if (out !== undefined)
      return receive({ out, ...(csr !== undefined && { csr }) }, options, terminal, (request) =>
        ask({ method: 'POST', path, body: { ...life, request } }, none),
      )
    // The gateway makes the key of its own certificate itself; of any other a request is missing, which it says.
    const made = await ask({ method: 'POST', path, body: life }, none)
    tell(made, undefined, options, terminal)
  })
}

/** Writes nothing over anything, and leaves no key behind for which there is no certificate. */
async function receive(
  { out, csr }: Places,
  options: AdminOptions,
  terminal: Terminal,
  ask: (request: string) => Promise<Document>,
): Promise<void> {
  const files = { certificate: `${resolve(out)}.crt`, key: `${resolve(out)}.key` }
  const taken = [files.certificate, ...(csr === undefined ? [files.key] : [])].find((file) => existsSync(file))
  if (taken !== undefined) throw new CommandError(EXIT.usage, `${taken} is there already; choose another --out.`)
  if (csr !== undefined) {
    const made = await ask(readFileSync(csr, 'utf8'))
    writeFirst(files.certificate, String(made['certificate']), 0o644)
    return tell(made, [files.certificate], options, terminal)
  }
  const { makeRequest } = await import('../pki/authority/request.ts')
  const { key, request } = await makeRequest()
  // Before anything is issued: a folder that cannot be written must not cost a certificate.
  writeFirst(files.key, key, 0o600)
  try {
    const made = await ask(request)
    writeFirst(files.certificate, String(made['certificate']), 0o644)
    tell(made, [files.certificate, files.key], options, terminal)
  } catch (thrown) {
    rmSync(files.key, { force: true })
    throw thrown
  }
}

function tell(made: Document, files: readonly string[] | undefined, { json }: AdminOptions, terminal: Terminal): void {
  if (json === true) terminal.out(JSON.stringify({ ...made, ...(files && { files }) }))
  else terminal.out(printable(String(made['serial'])))
  const until = minute(Number(made['notAfter']))
  terminal.err(`${printable(String(made['subject']))}, good until ${until}${files ? `: ${files.join(' and ')}` : ''}`)
}
