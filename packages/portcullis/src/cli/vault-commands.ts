/** Which commands there are on the vault and on what it holds. */
import type { Command } from 'commander'
import { asAdministrator, asOverseer } from './options.ts'
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
  const vault = program.command('vault').description('the keys that seal secrets at rest')
  asOverseer(vault.command('rotate').description('make a new key-encryption key, or a new data key of one tenant'))
    .option('-t, --tenant <name>', 'only the data key of this tenant')
    .action(async (options) => (await load()).vaultRotate(options, terminal))
  asOverseer(vault.command('shred').description('destroy the data keys of a tenant and everything that they sealed'))
    .requiredOption('-t, --tenant <name>', 'tenant')
    .option('--yes', 'really')
    .action(async (options) => (await load()).vaultShred(options, terminal))
}
