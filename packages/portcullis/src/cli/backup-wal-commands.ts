/** Which commands there are on points in time of a PostgreSQL. */
import { type Command, Option } from 'commander'
import { configOption, jsonOption } from './options.ts'
import type { Terminal } from './terminal.ts'

export function addWalCommands(backup: Command, terminal: Terminal): void {
  backup
    .command('wal-key')
    .description('make the key that signs the archived log of a PostgreSQL')
    .requiredOption('-o, --out <file>', 'file of the key; its public half is put beside it')
    .action(async (options) => (await import('./backup-wal.ts')).backupWalKey(options, terminal))
  sealing(backup.command('wal-archive').description('archive_command of PostgreSQL: seal a segment'))
    .argument('<path>', '%p')
    .action(async (path: string, options) =>
      (await import('./backup-wal.ts')).backupWalArchive(path, options, terminal),
    )
  sealing(backup.command('wal-base').description('seal a whole copy of PostgreSQL, from which a recovery begins'))
    .addOption(configOption())
    .requiredOption('--role <role>', 'a role that may replicate')
    .option('--password-file <file>', 'its password, in a file that nobody else may read')
    .option('--password-env <name>', 'its password, in an environment variable')
    .option('--socket <folder>', 'folder of the socket of PostgreSQL; without it where the configuration says')
    .option('--port <port>', 'port to which the socket belongs')
    .option('--programs <folder>', 'folder of pg_basebackup; without it where distributions put it')
    .action(async (options) => (await import('./backup-wal.ts')).backupWalBase(options, terminal))
  reading(backup.command('wal-fetch').description('restore_command of PostgreSQL: open a segment'))
    .argument('<name>', '%f')
    .argument('<path>', '%p')
    .action(async (name: string, path: string, options) =>
      (await import('./backup-wal.ts')).backupWalFetch(name, path, options, terminal),
    )
  reading(backup.command('wal-restore').description('make a data directory that PostgreSQL brings to a point in time'))
    .requiredOption('--data <folder>', 'the new data directory')
    .requiredOption('--to <time>', 'such as 2026-01-31T12:00:00Z, or 2h for two hours ago')
    .option('--programs <folder>', 'folder of pg_verifybackup; without it where distributions put it')
    .action(async (options) => (await import('./backup-wal.ts')).backupWalRestore(options, terminal))
}

const sealing = (command: Command): Command =>
  command
    .requiredOption('--archive <folder>', 'where sealed segments and copies are kept, best on another machine')
    .requiredOption('--signing-key <file>', 'key of wal-key')
    .option('-r, --recipient <recipient...>', 'who can open it, such as age1pq1…')
    .option('-R, --recipients-file <file...>', 'files of recipients, one a line')
    .addOption(jsonOption())

const reading = (command: Command): Command =>
  command
    .requiredOption('--archive <folder>', 'where sealed segments and copies are kept')
    .addOption(
      new Option('-i, --identity <file...>', 'identities of age that open it, mode 0600').makeOptionMandatory(),
    )
    .requiredOption('-k, --key <file...>', 'public keys that may have signed it')
    .addOption(jsonOption())
