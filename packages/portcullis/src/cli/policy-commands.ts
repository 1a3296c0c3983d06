/** Declares `portcullis policy …`. */
import type { Command } from 'commander'
import { asAdministrator, configOption, jsonOption, toolsOption } from './options.ts'
import type { Done } from './options.ts'
import type { Terminal } from './terminal.ts'

export function addPolicyCommands(program: Command, terminal: Terminal, done: Done): void {
  const policy = program.command('policy').description('Cedar policies')
  asAdministrator(policy.command('list').description('list the policies in force at the running gateway')).action(
    async (options) => (await import('./govern.ts')).policyList(options, terminal),
  )
  policy
    .command('check')
    .description('tell every mistake of the policies at once')
    .addOption(configOption())
    .addOption(toolsOption())
    .addOption(jsonOption())
    .action(async (options) => (await import('./policy-check.ts')).policyCheck(options, terminal))
  policy
    .command('test')
    .description('compare outcomes with the expected ones of a YAML or JSON file')
    .argument('<file>')
    .addOption(configOption())
    .addOption(toolsOption())
    .addOption(jsonOption())
    .action(async (file: string, options) =>
      done(await (await import('./policy-test.ts')).policyTest(file, options, terminal)),
    )
  policy
    .command('explain')
    .description('say what would be decided, and which policy says so')
    .addOption(configOption())
    .requiredOption('-r, --role <name...>', 'roles of the principal')
    .requiredOption('-a, --action <name>', 'such as tools/call, or connect')
    .requiredOption('-u, --upstream <name>', 'upstream')
    .option('--target <name>', 'tool, prompt, resource or task')
    .option('--args <json>', 'arguments of the call')
    .option('--address <address>', 'address of the caller')
    .option('--time <time>', 'such as 2026-01-31T12:00:00Z')
    .option('-t, --tenant <name>', 'tenant of the principal', 'default')
    .option('--credential <kind>', 'api-key, jwt, opaque or certificate', 'api-key')
    .option('--sender-constrained', 'the credential is bound to a key or a certificate')
    .option('--acr <class>', 'authentication context class of the token')
    .option('--amr <method...>', 'authentication methods of the token')
    .option('--scope <name...>', 'scopes of the token')
    .addOption(toolsOption())
    .addOption(jsonOption())
    .action(async (options) => done(await (await import('./policy-explain.ts')).policyExplain(options, terminal)))
}
