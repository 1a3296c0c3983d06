/** `portcullis config validate`: every mistake, or every weakness. */
import { weaknesses } from '../config/weaknesses.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import type { Terminal } from './terminal.ts'

export interface ConfigValidateOptions extends ConfigOption {
  readonly json?: boolean
}

/** Mistakes are thrown as ConfigError. */
export function configValidate(options: ConfigValidateOptions, terminal: Terminal): void {
  const { file, config } = openConfig(options, terminal)
  const found = weaknesses(config)
  if (options.json === true) {
    terminal.out(JSON.stringify({ file, valid: true, weaknesses: found }))
    return
  }
  terminal.out(`${file} is valid.`)
  for (const { path, word, meaning } of found) terminal.out(`weakness ${path}: ${word}: ${meaning}`)
}
