/** Which commands there are on users and clients. */
import type { Command } from 'commander'
import { asAdministrator } from './options.ts'
import type { Terminal } from './terminal.ts'

export function addAccountCommands(program: Command, terminal: Terminal): void {
  addUserCommands(program, terminal)
  addClientCommands(program, terminal)
}

const loadUsers = () => import('./user-commands.ts')
const loadClients = () => import('./client-commands.ts')

function addUserCommands(program: Command, terminal: Terminal): void {
  const user = program.command('user').description('people who sign in at the authorization server')
  const about = (name: string, description: string) =>
    asAdministrator(user.command(name).description(description).argument('<name>'))
  about('add', 'make an account and show the link that sets its password or passkey')
    .requiredOption('-r, --role <name...>', 'roles')
    .action(async (name: string, options) => (await loadUsers()).userAdd(name, options, terminal))
  asAdministrator(user.command('list').description('list the accounts of a tenant')).action(async (options) =>
    (await loadUsers()).userList(options, terminal),
  )
  about('disable', 'end what an account may do, at once')
    .option('--enable', 'let it sign in again')
    .action(async (name: string, options) => (await loadUsers()).userDisable(name, options, terminal))
  about('roles', 'give an account other roles; its sign-ins end')
    .requiredOption('-r, --role <name...>', 'roles')
    .action(async (name: string, options) => (await loadUsers()).userRoles(name, options, terminal))
  about('remove', 'end an account for good').action(async (name: string, options) =>
    (await loadUsers()).userRemove(name, options, terminal),
  )
  about('password', 'show a link that sets a new password').action(async (name: string, options) =>
    (await loadUsers()).userPassword(name, options, terminal),
  )
  about('totp', 'demand a one-time code of an account')
    .option('--remove', 'demand none any more')
    .action(async (name: string, options) => (await loadUsers()).userTotp(name, options, terminal))
  addSignInCommands(user, terminal)
}

function addSignInCommands(user: Command, terminal: Terminal): void {
  const passkeys = user.command('passkeys').description('passkeys of an account')
  asAdministrator(passkeys.command('list').description('list them').argument('<name>', 'of the account')).action(
    async (name: string, options) => (await import('./sign-in-commands.ts')).passkeyList(name, options, terminal),
  )
  asAdministrator(
    passkeys.command('remove').description('remove one, and end all sign-ins').argument('<name>', 'of the account'),
  )
    .argument('<id>', 'of the passkey')
    .action(async (name: string, id: string, options) =>
      (await import('./sign-in-commands.ts')).passkeyRemove(name, id, options, terminal),
    )
  asAdministrator(user.command('link').description('let an account sign in at an outside provider').argument('<name>'))
    .option('-p, --provider <name>', 'of identity.server.providers; without it the links are listed')
    .option('-s, --subject <subject>', 'what the provider calls the person (`sub`)')
    .option('--remove', 'let it sign in there no more, and end all sign-ins')
    .action(async (name: string, options) => (await import('./sign-in-commands.ts')).userLink(name, options, terminal))
}

function addClientCommands(program: Command, terminal: Terminal): void {
  const client = program.command('client').description('OAuth clients of the authorization server')
  const about = (name: string, description: string) =>
    asAdministrator(client.command(name).description(description).argument('<id>'))
  asAdministrator(
    client.command('add').description('make a client and show its id').argument('<name>', 'as people are shown it'),
  )
    .option('--redirect <uri...>', 'where people are sent back to')
    .option('-r, --role <name...>', 'what it may be in its own name')
    .option('--secret', 'it proves itself by a secret, which is shown once')
    .option('--keys <file>', 'it proves itself by keys: its public JSON Web Key Set')
    .option('--device', 'it may use the device flow')
    .option('--assertions', 'it may present identity assertions of people who sign in elsewhere')
    .action(async (name: string, options) => (await loadClients()).clientAdd(name, options, terminal))
  asAdministrator(client.command('list').description('list the clients of a tenant')).action(async (options) =>
    (await loadClients()).clientList(options, terminal),
  )
  about('rotate', 'give a client a new secret; the old one ends').action(async (id: string, options) =>
    (await loadClients()).clientRotate(id, options, terminal),
  )
  about('disable', 'end a client and its tokens, at once')
    .option('--enable', 'let it in again')
    .action(async (id: string, options) => (await loadClients()).clientDisable(id, options, terminal))
  about('remove', 'end a client and its tokens, for good').action(async (id: string, options) =>
    (await loadClients()).clientRemove(id, options, terminal),
  )
}
