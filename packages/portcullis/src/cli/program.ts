/** The command line: which commands there are. What they do is loaded when one of them is called. */
import { Command } from 'commander'
import { addAccountCommands } from './account-commands.ts'
import { addAnomalyCommands } from './anomaly-commands.ts'
import { addAuditCommands } from './audit-commands.ts'
import { addBackupCommands } from './backup-commands.ts'
import { addBlockCommands } from './block-commands.ts'
import { addCertCommands } from './cert-commands.ts'
import { addExportCommands } from './export-commands.ts'
import { addGovernCommands } from './govern-commands.ts'
import { addKeyCommands } from './key-commands.ts'
import { addKeysCommands } from './keys-commands.ts'
import { EXIT, EXIT_MEANINGS } from './exit.ts'
import { addLockCommands } from './lock-commands.ts'
import { configOption, jsonOption } from './options.ts'
import type { Done } from './options.ts'
import { addPolicyCommands } from './policy-commands.ts'
import { addStoreCommands } from './store-commands.ts'
import type { Terminal } from './terminal.ts'
import { addVaultCommands } from './vault-commands.ts'

export function buildProgram(version: string, terminal: Terminal, done: Done): Command {
  const program = new Command('portcullis')
    .description('Security gateway for the Model Context Protocol')
    .version(version)
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .addHelpText('after', exitTable())
  addGatewayCommands(program, terminal, done)
  addKeyCommands(program, terminal)
  addAccountCommands(program, terminal)
  addGovernCommands(program, terminal)
  addBlockCommands(program, terminal)
  addCertCommands(program, terminal)
  addVaultCommands(program, terminal)
  addKeysCommands(program, terminal, done)
  addAnomalyCommands(program, terminal)
  addAuditCommands(program, terminal, done)
  addExportCommands(program, terminal, done)
  addBackupCommands(program, terminal, done)
  addStoreCommands(program, terminal)
  addPolicyCommands(program, terminal, done)
  addLockCommands(program, terminal, done)
  addConfigCommands(program, terminal)
  program
    .command('completion')
    .description('print a completion script')
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell: string) => (await import('./completion.ts')).completion(shell, program, terminal))
  return program
}

function addGatewayCommands(program: Command, terminal: Terminal, done: Done): void {
  program
    .command('init')
    .description('make a configuration, the local authority, the store and a first key')
    .option('--dir <folder>', 'where', '.')
    .option('--demo', 'with two sandboxed MCP servers to try')
    .action(async (options) => (await import('./init.ts')).init(options, terminal))
  program
    .command('serve')
    .description('run the gateway')
    .addOption(configOption())
    .option('-p, --port <number>', 'instead of listen.port')
    .action(async (options) => done(await (await import('./serve.ts')).serve(options, terminal)))
  program
    .command('doctor')
    .description(
      'attack the sandbox of this host at decoys, and say whether it can hold what the configuration promises',
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options) => done(await (await import('./doctor.ts')).doctor(options, terminal)))
}

function addConfigCommands(program: Command, terminal: Terminal): void {
  const config = program.command('config').description('configuration')
  config
    .command('validate')
    .description('tell every mistake at once, or every weakness')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options) => (await import('./config-validate.ts')).configValidate(options, terminal))
  config
    .command('explain')
    .description('tell what a key means, such as listen.port')
    .argument('<path>')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (path: string, options) =>
      (await import('./config-explain.ts')).configExplain(path, options, terminal),
    )
  config
    .command('schema')
    .description('print the JSON Schema')
    .action(async () => (await import('./config-schema.ts')).configSchemaCommand(terminal))
  config
    .command('print')
    .description('print the configuration in force, defaults filled in')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options) => (await import('./config-print.ts')).configPrint(options, terminal))
}

function exitTable(): string {
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[]
  return `\nExit status:\n${names.map((name) => `  ${String(EXIT[name]).padEnd(4)} ${EXIT_MEANINGS[name]}`).join('\n')}`
}
