/** The same words for the same options in every command. */
import { type Command, Option } from 'commander'
import type { ExitStatus } from './exit.ts'

/** Told what a command ends with when that is not always `ok`. */
export type Done = (status: ExitStatus) => void

export const configOption = () => new Option('-c, --config <file>', 'configuration file')
export const jsonOption = () => new Option('--json', 'JSON, one value a line')
export const tenantOption = () => new Option('-t, --tenant <name>', 'tenant').default('default')
export const toolsOption = () => new Option('--tools <file>', 'JSON: { "upstream": [tools as in tools/list] }')

/** For commands that administer: which tenant, which gateway, and as whom. */
export const asAdministrator = (command: Command): Command => asOverseer(command).addOption(tenantOption())

/** For commands that concern the tenants themselves. */
export const asOverseer = (command: Command): Command =>
  command
    .addOption(configOption())
    .addOption(new Option('--url <url>', 'the gateway to ask; without it that of the configuration'))
    .addOption(new Option('--key-file <file>', 'key of an administrator; without it that in the state folder'))
    .addOption(new Option('--ca <file>', 'authority of the gateway, PEM'))
    .addOption(jsonOption())
