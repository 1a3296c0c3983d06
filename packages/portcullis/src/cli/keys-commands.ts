/** Which commands there are on the keys that seal secrets at rest. */
import type { Command } from 'commander'
import { asAdministrator, asOverseer, type Done } from './options.ts'
import type { Terminal } from './terminal.ts'

const load = () => import('./keys.ts')

export function addKeysCommands(program: Command, terminal: Terminal, done: Done): void {
  const keys = program.command('keys').description('the keys that seal secrets at rest')
  asAdministrator(keys.command('show').description('which data keys a tenant has, and who wraps them')).action(
    async (options) => (await load()).keysShow(options, terminal),
  )
  asAdministrator(keys.command('rotate').description('make a new data key of a tenant, and seal anew with it'))
    .option('--no-wait', 'do not wait for the end, nor show how far it is')
    .action(async (options) => done(await (await load()).keysRotate(options, terminal)))
  asOverseer(keys.command('rewrap').description('wrap the keys of all tenants by the current key-encryption key'))
    .option('--new', 'make a new key-encryption key first, where the gateway keeps it itself')
    .option('--no-wait', 'do not wait for the end, nor show how far it is')
    .action(async (options) => done(await (await load()).keysRewrap(options, terminal)))
  asOverseer(keys.command('shred').description('destroy the keys of a tenant: what they sealed opens nowhere any more'))
    .argument('<tenant>')
    .option('--yes', 'really')
    .action(async (tenant: string, options) => (await load()).keysShred(tenant, options, terminal))
}
