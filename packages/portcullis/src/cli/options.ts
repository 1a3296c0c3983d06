/** The same words for the same options in every command. */
import { Option } from 'commander'
import type { ExitStatus } from './exit.ts'

/** Told what a command ends with when that is not always `ok`. */
export type Done = (status: ExitStatus) => void

export const configOption = () => new Option('-c, --config <file>', 'configuration file')
export const jsonOption = () => new Option('--json', 'JSON, one value a line')
export const tenantOption = () => new Option('-t, --tenant <name>', 'tenant').default('default')
export const toolsOption = () => new Option('--tools <file>', 'JSON: { "upstream": [tools as in tools/list] }')
