/** The commands `portcullis store …`. */
import type { Command } from 'commander'
import { configOption } from './options.ts'
import type { Terminal } from './terminal.ts'

export function addStoreCommands(program: Command, terminal: Terminal): void {
  const store = program.command('store').description('the PostgreSQL that several gateways share')
  store
    .command('prepare')
    .description('make or renew the schema as the owner of the database, for the role that store.username names')
    .addOption(configOption())
    .requiredOption('--owner <role>', 'the role that owns the schema; no gateway works as this one')
    .option('--password-file <file>', 'its password, in a file that nobody else may read')
    .option('--password-env <name>', 'its password, in an environment variable')
    .action(async (options) => (await import('./store-prepare.ts')).storePrepare(options, terminal))
}
