/** Which commands there are on blocks. */
import type { Command } from 'commander'
import { asAdministrator } from './options.ts'
import type { Terminal } from './terminal.ts'

const load = () => import('./block.ts')
const KINDS = 'address, country, principal, client, key, tool or upstream'

export function addBlockCommands(program: Command, terminal: Terminal): void {
  const block = program.command('block').description('who and what is refused on every node')
  asAdministrator(
    block
      .command('add')
      .description('refuse at once')
      .argument('<kind>', KINDS)
      .argument('<value>', 'such as 192.0.2.0/24'),
  )
    .option('--reason <text>', 'for the record')
    .option('--for <duration>', 'how long it holds, such as 2h; for ever when absent')
    .option('--everywhere', 'for all tenants')
    .action(async (kind: string, value: string, options) => (await load()).blockAdd(kind, value, options, terminal))
  asAdministrator(block.command('list').description('list what is in force')).action(async (options) =>
    (await load()).blockList(options, terminal),
  )
  asAdministrator(
    block.command('remove').description('take a block back').argument('<kind>', KINDS).argument('<value>', 'as listed'),
  )
    .option('--everywhere', 'one that is for all tenants')
    .action(async (kind: string, value: string, options) => (await load()).blockRemove(kind, value, options, terminal))
}
