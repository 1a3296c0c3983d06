/** `portcullis config print`: the configuration in force, defaults filled in. It holds no secrets, so it can be shown. */
import { stringify } from 'yaml'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import type { Terminal } from './terminal.ts'

export interface ConfigPrintOptions extends ConfigOption {
  readonly json?: boolean
}

export function configPrint(options: ConfigPrintOptions, terminal: Terminal): void {
  const { config } = openConfig(options, terminal)
  terminal.out(options.json === true ? JSON.stringify(config) : stringify(config).trimEnd())
}
