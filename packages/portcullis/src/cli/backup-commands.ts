/** Which commands there are on backups. */
import { type Command, Option } from 'commander'
import { addWalCommands } from './backup-wal-commands.ts'
import { asOverseer, configOption, type Done, jsonOption } from './options.ts'
import type { Terminal } from './terminal.ts'

export function addBackupCommands(program: Command, terminal: Terminal, done: Done): void {
  const backup = program.command('backup').description('sealed copies of the gateway')
  asOverseer(backup.command('create').description('make a backup, while the gateway runs or while it does not'))
    .option('-o, --out <folder>', 'folder in which that of the backup is made; without it that of the configuration')
    .option(
      '-r, --recipient <recipient...>',
      'who can open it, such as age1pq1…; without it those of the configuration',
    )
    .option('-R, --recipients-file <file...>', 'files of recipients, one a line')
    .option('--passphrase-file <file>', 'seal it for whoever knows what is in this file, mode 0600')
    .option('--since <backup>', 'hold only what is new since this one')
    .option('--with-keys', 'with the private keys of the gateway')
    .action(async (options) => (await import('./backup-create.ts')).backupCreate(options, terminal))
  asOverseer(backup.command('status').description('how old the last backup of the running gateway is')).action(
    async (options) => (await import('./backup-create.ts')).backupStatus(options, terminal),
  )
  addReadingCommands(backup, terminal, done)
  addWalCommands(backup, terminal)
  backup
    .command('identity')
    .description('make an identity that opens backups, and its recipient')
    .requiredOption('-o, --out <file>', 'file of the identity, which belongs on another machine')
    .action(async (options) => (await import('./backup-identity.ts')).backupIdentity(options, terminal))
}

/** Those that are given a backup. */
function addReadingCommands(backup: Command, terminal: Terminal, done: Done): void {
  reading(
    backup
      .command('verify')
      .description('check a backup; with an identity down to the last record')
      .argument('<backup>'),
  )
    .option('--scratch <folder>', 'where it is unpacked to be examined, and removed again')
    .action(async (folder: string, options) =>
      (await import('./backup-verify.ts')).backupVerify(folder, options, terminal),
    )
  reading(backup.command('restore').description('put a gateway back').argument('<backup>'))
    .option('--to <folder>', 'folder of the configuration; without it where it is, or was')
    .option('--replace', 'put it in the place of what is there, which is kept beside it')
    .option(
      '--revoke-before <time>',
      'believe no token issued before: 2026-01-31T12:00:00Z, 2h for two hours ago, or now',
    )
    .option('--owner <role>', 'put PostgreSQL back too, as the role that owns its schema')
    .option('--password-file <file>', 'its password, in a file that nobody else may read')
    .option('--password-env <name>', 'its password, in an environment variable')
    .option('--lost-audit-key', 'the key of the audit chains is gone: make a new one, and say so in every chain')
    .action(async (folder: string, options) =>
      (await import('./backup-restore.ts')).backupRestore(folder, options, terminal),
    )
  reading(
    backup
      .command('drill')
      .description('restore into a scratch place, start it, check it, and sign a report')
      .argument('<backup>'),
  )
    .option('-o, --out <file>', 'report, JSON; beside it, with .txt, one to read')
    .option('--policy-tests <file>', 'requests with their expected outcomes, as for policy test')
    .option('--with-upstreams', 'start the upstreams too')
    .option('--scratch <folder>', 'where the scratch place is made')
    .action(async (folder: string, options) =>
      done(await (await import('./backup-drill.ts')).backupDrill(folder, options, terminal)),
    )
}

const reading = (command: Command): Command =>
  command
    .addOption(configOption())
    .addOption(new Option('-i, --identity <file...>', 'identities of age that open it, mode 0600'))
    .option('--passphrase-file <file>', 'file of the passphrase, mode 0600')
    .option('-k, --key <file...>', 'public keys that may have signed it, besides those of the state folder')
    .option('--key-id <id>', 'id of the key that has signed it, as you have noted it')
    .option('--in <folder...>', 'where earlier backups are that it continues')
    .addOption(jsonOption())
