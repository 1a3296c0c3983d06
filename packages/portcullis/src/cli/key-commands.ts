/** Which commands there are on API keys. */
import type { Command } from 'commander'
import { asAdministrator } from './options.ts'
import type { Terminal } from './terminal.ts'

export function addKeyCommands(program: Command, terminal: Terminal): void {
  const key = program.command('key').description('API keys')
  asAdministrator(key.command('create').description('issue a key and show it once'))
    .requiredOption('-n, --name <text>', 'what it is for')
    .requiredOption('-r, --role <name...>', 'roles')
    .option('-u, --upstream <name...>', 'only these upstreams')
    .option('--expires <duration>', 'such as 90d, or never', '90d')
    .action(async (options) => (await import('./key-create.ts')).keyCreate(options, terminal))
  asAdministrator(key.command('list').description('list the keys of a tenant')).action(async (options) =>
    (await import('./key-list.ts')).keyList(options, terminal),
  )
  asAdministrator(key.command('rotate').description('give a key a successor').argument('<id>'))
    .option('--overlap <duration>', 'how long the old key works on', '1h')
    .action(async (id: string, options) => (await import('./key-rotate.ts')).keyRotate(id, options, terminal))
  asAdministrator(key.command('revoke').description('end a key at once').argument('<id>'))
    .option('--reason <text>', 'for the record', 'revoked by the operator')
    .action(async (id: string, options) => (await import('./key-revoke.ts')).keyRevoke(id, options, terminal))
}
