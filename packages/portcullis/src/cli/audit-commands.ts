/** Which commands there are on the audit records: to read them, to check them, to hand them out, to keep them. */
import type { Command } from 'commander'
import { asAdministrator, asOverseer, configOption, type Done, jsonOption, tenantOption } from './options.ts'
import type { Terminal } from './terminal.ts'

export function addAuditCommands(program: Command, terminal: Terminal, done: Done): void {
  const audit = program.command('audit').description('audit records')
  addTail(audit, terminal)
  addSearch(audit, terminal, done)
  addVerify(audit, terminal, done)
  addExport(audit, terminal, done)
  asAdministrator(
    audit.command('payload').description('show what was kept of a call; for auditors').argument('<incident>'),
  ).action(async (incident: string, options) =>
    (await import('./audit-payload.ts')).auditPayload(incident, options, terminal),
  )
  addKeys(audit, terminal)
  addHold(audit, terminal)
}

function addTail(audit: Command, terminal: Terminal): void {
  audit
    .command('tail')
    .description('show the last records of a tenant; "@gateway" is what belongs to none')
    .addOption(configOption())
    .addOption(tenantOption())
    .option('-l, --lines <number>', 'how many', '20')
    .option('--incident <id>', 'only this one')
    .option('--principal <id>', 'only of this principal')
    .option('--target <name>', 'only about this tool, prompt or resource')
    .option('-f, --follow', 'and those that come')
    .addOption(jsonOption())
    .action(async (options) => (await import('./audit-tail.ts')).auditTail(options, terminal))
}

function addSearch(audit: Command, terminal: Terminal, done: Done): void {
  audit
    .command('search')
    .description('find records of a tenant, the oldest first')
    .addOption(configOption())
    .addOption(tenantOption())
    .option('--from <time>', 'not before: 2026-01-31T12:00:00Z, or 2h for two hours ago')
    .option('--to <time>', 'before')
    .option('--principal <id>', 'only of this principal')
    .option('-u, --upstream <name>', 'only of this upstream')
    .option('--target <name>', 'only about this tool, prompt or resource')
    .option('--incident <id>', 'only this one')
    .option('--code <code>', 'only with this code of the fault table')
    .option('--kind <kind>', 'only of this kind')
    .option('--outcome <word>', 'answered, failed, refused or cancelled')
    .option('--max <number>', 'end after so many')
    .addOption(jsonOption())
    .action(async (options) => done(await (await import('./audit-search.ts')).auditSearch(options, terminal)))
}

function addVerify(audit: Command, terminal: Terminal, done: Done): void {
  audit
    .command('verify')
    .description('check the chains offline, from their files and public keys')
    .addOption(configOption())
    .option('-t, --tenant <name>', 'only this tenant')
    .option('-k, --key <file...>', 'further public keys')
    .option('--folder <path>', 'folder of the chains')
    .option('--bundle <folder>', 'a bundle that "audit export" has made, instead of the chains')
    .option('--current <file>', 'public key under which the chains have to end')
    .option(
      '-w, --witness [place...]',
      'files and git repositories of witnesses; those of the configuration when none is named',
    )
    .option('--authorities <file>', 'whom time stamps of witnesses have to lead to, PEM')
    .addOption(jsonOption())
    .action(async (options) => done(await (await import('./audit-verify.ts')).auditVerify(options, terminal)))
  audit
    .command('verify-receipt')
    .description('check a receipt, or a result that carries one')
    .argument('<file>')
    .addOption(configOption())
    .option('-k, --key <file...>', 'further public keys')
    .option('--folder <path>', 'folder of the chains')
    .option('--no-chain', 'check the signature only')
    .addOption(jsonOption())
    .action(async (file: string, options) =>
      done((await import('./audit-verify-receipt.ts')).auditVerifyReceipt(file, options, terminal)),
    )
}

function addExport(audit: Command, terminal: Terminal, done: Done): void {
  audit
    .command('export')
    .description('hand out records as a signed bundle')
    .requiredOption('-o, --out <folder>', 'a folder that is not there yet')
    .addOption(configOption())
    .addOption(tenantOption())
    .option('--from <time>', 'not before: 2026-01-31T12:00:00Z, or 2h for two hours ago')
    .option('--to <time>', 'before')
    .option('-k, --key <file...>', 'further public keys')
    .addOption(jsonOption())
    .action(async (options) => done(await (await import('./audit-export.ts')).auditExport(options, terminal)))
}

function addKeys(audit: Command, terminal: Terminal): void {
  asOverseer(audit.command('rotate-key').description('sign with a new key from now on, and destroy the old one'))
    .option('--lost', 'the old one is gone; only while no gateway runs')
    .action(async (options) => (await import('./audit-rotate-key.ts')).auditRotateKey(options, terminal))
}

function addHold(audit: Command, terminal: Terminal): void {
  const hold = audit.command('hold').description('legal holds, which keep records from being removed')
  asAdministrator(hold.command('list').description('list the holds of a tenant')).action(async (options) =>
    (await import('./audit-hold.ts')).holdList(options, terminal),
  )
  asAdministrator(hold.command('set').description('remove nothing until it is lifted').argument('<name>'))
    .requiredOption('--reason <text>', 'for the record')
    .action(async (name: string, options) => (await import('./audit-hold.ts')).holdSet(name, options, terminal))
  asAdministrator(hold.command('lift').description('let the retention remove records again').argument('<name>'))
    .requiredOption('--reason <text>', 'for the record')
    .action(async (name: string, options) => (await import('./audit-hold.ts')).holdLift(name, options, terminal))
}
