/** Which commands there are on certificates of the local authority. */
import { type Command, Option } from 'commander'
import { REASON_WORDS } from '../pki/authority/reasons.ts'
import { asAdministrator, asOverseer } from './options.ts'
import type { Terminal } from './terminal.ts'

const OUT = ['-o, --out <path>', 'where: PATH.crt, and PATH.key when the key is made here'] as const
const CSR = ['--csr <file>', 'request of whoever has the key, PEM; without it a key is made here'] as const

export function addCertCommands(program: Command, terminal: Terminal): void {
  const cert = program.command('cert').description('certificates of the local authority')
  asAdministrator(cert.command('issue').description('issue a certificate; its key never leaves this machine'))
    .addOption(new Option('-u, --use <what>', 'what it proves').choices(['server', 'client']).makeOptionMandatory())
    .option('-n, --name <name...>', 'such as gate.example.org, 192.0.2.1 or spiffe://example.org/agent')
    .option('--subject <name>', 'common name; the first name when absent')
    .option('--expires <duration>', 'such as 30d', '30d')
    .option(...CSR)
    .requiredOption(...OUT)
    .action(async (options) => (await import('./cert-issue.ts')).certIssue(options, terminal))
  asAdministrator(
    cert.command('renew').description('issue another one of the same names and use').argument('<serial>', 'as listed'),
  )
    .option('--expires <duration>', 'such as 30d; as long as the one before when absent')
    .option(...CSR)
    .option(...OUT)
    .action(async (serial: string, options) => (await import('./cert-issue.ts')).certRenew(serial, options, terminal))
  asAdministrator(cert.command('revoke').description('end a certificate for good').argument('<serial>', 'as listed'))
    .addOption(new Option('--reason <word>', 'why (RFC 5280)').choices(REASON_WORDS).default('unspecified'))
    .action(async (serial: string, options) => (await import('./cert-revoke.ts')).certRevoke(serial, options, terminal))
  asAdministrator(cert.command('list').description('list what was issued')).action(async (options) =>
    (await import('./cert-list.ts')).certList(options, terminal),
  )
  asOverseer(cert.command('trust').description('tell how clients come to trust the authority; changes nothing there'))
    .option('-o, --out <file>', 'write what they have to trust into this file, PEM')
    .option('--prepare', 'where an earlier set-up has only a root that signs itself: put the next root beside it')
    .action(async (options) => (await import('./cert-trust.ts')).certTrust(options, terminal))
}
