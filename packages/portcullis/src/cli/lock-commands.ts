/** Declares `portcullis lock …`. */
import type { Command } from 'commander'
import type { ConfigOption } from './open-config.ts'
import { configOption, jsonOption } from './options.ts'
import type { Done } from './options.ts'
import type { Terminal } from './terminal.ts'

export function addLockCommands(program: Command, terminal: Terminal, done: Done): void {
  const lock = program
    .command('lock')
    .description('ask the upstreams what they say of themselves, and write what is new or changed into the lock')
    .addOption(configOption())
    .option('-u, --upstream <name...>', 'only these upstreams')
    .option('--frozen', 'change nothing; status 1 when anything differs from what is approved')
    .option('--told', 'instead of asking, take what was last told to the running gateway')
    .option('--approve', 'and approve all of it')
    .option('--by <name>', 'who approves', 'the operator')
    .addOption(jsonOption())
    .enablePositionalOptions()
    .action(async (options) => done(await (await import('./lock.ts')).updateLock(options, terminal)))
  addReviewCommands(lock, terminal, done)
}

function addReviewCommands(lock: Command, terminal: Terminal, done: Done): void {
  // The configuration may also be named before the command.
  const named = <Options extends object>(options: Options): Options => ({ ...lock.opts<ConfigOption>(), ...options })
  lock
    .command('diff')
    .description('show what waits in the lock, field by field')
    .argument('[upstream]')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (upstream: string | undefined, options) =>
      done((await import('./lock-diff.ts')).lockDiff(upstream, named(options), terminal)),
    )
  lock
    .command('approve')
    .description('approve what waits: all of an upstream, or these items, such as tool/read_file or read_file')
    .argument('<upstream>')
    .argument('[item...]')
    .addOption(configOption())
    .option('--by <name>', 'who approves', 'the operator')
    .addOption(jsonOption())
    .action(async (upstream: string, items: string[], options) =>
      (await import('./lock-approve.ts')).lockApprove(upstream, items, named(options), terminal),
    )
  lock
    .command('sign')
    .description('sign the lock as it stands, after it was read: a merged one, or one that another has approved')
    .addOption(configOption())
    .option('--by <name>', 'who signs', 'the operator')
    .action(async (options) => (await import('./lock-approve.ts')).lockSign(named(options), terminal))
  lock
    .command('verify')
    .description('check the lock and its signatures, and show the key of this installation')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options) => (await import('./lock-verify.ts')).lockVerify(named(options), terminal))
}
