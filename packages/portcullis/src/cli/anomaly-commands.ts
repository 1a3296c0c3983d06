/** Which commands there are on unusual conduct. */
import type { Command } from 'commander'
import { asAdministrator } from './options.ts'
import type { Terminal } from './terminal.ts'

const load = () => import('./anomalies.ts')

export function addAnomalyCommands(program: Command, terminal: Terminal): void {
  const anomalies = program.command('anomalies').description('who behaves unusually at the running gateway')
  asAdministrator(anomalies.command('list').description('list them, with the heaviest reason of each'))
    .option('--networks', 'addresses with failed sign-ins instead; they belong to no tenant')
    .action(async (options) => (await load()).anomalyList(options, terminal))
  asAdministrator(
    anomalies
      .command('show')
      .description('what is usual for a subject, and what is counted of it now')
      .argument('<id>', 'such as principal:key:… or tool:files/read'),
  ).action(async (id: string, options) => (await load()).anomalyShow(id, options, terminal))
  asAdministrator(anomalies.command('clear').description('end what restricts a subject').argument('<id>'))
    .option('--baseline', 'forget what is usual for it as well')
    .action(async (id: string, options) => (await load()).anomalyClear(id, options, terminal))
}
