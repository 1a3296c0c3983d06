/** Which commands there are on what the vault holds. */
import type { Command } from 'commander'
import { asAdministrator } from './options.ts'
import type { Terminal } from './terminal.ts'

const load = () => import('./credential-commands.ts')

export function addVaultCommands(program: Command, terminal: Terminal): void {
  const credential = program.command('credential').description('credentials for upstreams, sealed in the vault')
  const named = (command: Command) =>
    asAdministrator(command)
      .requiredOption('-u, --upstream <name>', 'for which upstream')
      .option('--principal <id>', 'of this principal only, such as key:AB12; of the tenant when absent')
  named(credential.command('set').description('deposit a secret, read from standard input')).action(async (options) =>
    (await load()).credentialSet(options, terminal),
  )
  asAdministrator(
    credential.command('list').description('list what a tenant has in the vault, without the values'),
  ).action(async (options) => (await load()).credentialList(options, terminal))
  named(credential.command('remove').description('remove a secret or a grant at once'))
    .option('--kind <kind>', 'static or oauth', 'static')
    .action(async (options) => (await load()).credentialRemove(options, terminal))
}
