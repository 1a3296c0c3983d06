/** Which commands there are on users and clients. */
import type { Command } from 'commander'
import { configOption, jsonOption, tenantOption } from './options.ts'
import type { Terminal } from './terminal.ts'

export function addAccountCommands(program: Command, terminal: Terminal): void {
  addUserCommands(program, terminal)
  addClientCommands(program, terminal)
}

function addUserCommands(program: Command, terminal: Terminal): void {
  const user = program.command('user').description('people who sign in at the authorization server')
  const common = (command: Command) => command.addOption(configOption()).addOption(tenantOption())
  common(user.command('add').description('make an account and show the link that sets its password').argument('<name>'))
    .requiredOption('-r, --role <name...>', 'roles')
    .addOption(jsonOption())
    .action(async (name: string, options) => (await import('./user-commands.ts')).userAdd(name, options, terminal))
  common(user.command('list').description('list the accounts of a tenant'))
    .addOption(jsonOption())
    .action(async (options) => (await import('./user-commands.ts')).userList(options, terminal))
  common(user.command('disable').description('end what an account may do, at once').argument('<name>'))
    .option('--enable', 'let it sign in again')
    .action(async (name: string, options) => (await import('./user-commands.ts')).userDisable(name, options, terminal))
  common(user.command('password').description('show a link that sets a new password').argument('<name>'))
    .addOption(jsonOption())
    .action(async (name: string, options) => (await import('./user-commands.ts')).userPassword(name, options, terminal))
  common(user.command('totp').description('demand a one-time code of an account').argument('<name>'))
    .option('--remove', 'demand none any more')
    .addOption(jsonOption())
    .action(async (name: string, options) => (await import('./user-commands.ts')).userTotp(name, options, terminal))
}

function addClientCommands(program: Command, terminal: Terminal): void {
  const client = program.command('client').description('OAuth clients of the authorization server')
  const common = (command: Command) => command.addOption(configOption()).addOption(tenantOption())
  common(
    client.command('add').description('make a client and show its id').argument('<name>', 'as people are shown it'),
  )
    .option('--redirect <uri...>', 'where people are sent back to')
    .option('-r, --role <name...>', 'what it may be in its own name')
    .option('--secret', 'it proves itself by a secret, which is shown once')
    .option('--keys <file>', 'it proves itself by keys: its public JSON Web Key Set')
    .option('--device', 'it may use the device flow')
    .addOption(jsonOption())
    .action(async (name: string, options) => (await import('./client-commands.ts')).clientAdd(name, options, terminal))
  common(client.command('list').description('list the clients of a tenant'))
    .addOption(jsonOption())
    .action(async (options) => (await import('./client-commands.ts')).clientList(options, terminal))
  common(client.command('remove').description('end a client and its tokens, at once').argument('<id>')).action(
    async (id: string, options) => (await import('./client-commands.ts')).clientRemove(id, options, terminal),
  )
}
