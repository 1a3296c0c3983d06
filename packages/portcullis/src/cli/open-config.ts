/** Finds and loads the configuration for a command. */
import { existsSync } from 'node:fs'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { CommandError, EXIT } from './exit.ts'
import { isOwnFile } from './own-file.ts'
import type { Terminal } from './terminal.ts'

/** Looked for in this order when `--config` is absent. */
const USUAL_PLACES = ['portcullis.yaml', '.portcullis/portcullis.yaml']

export interface ConfigOption {
  readonly config?: string
}

/**
 * The file that `--config` or PORTCULLIS_CONFIG names, or the first usual one. Throws CommandError when there is none, and
 * for a usual one of somebody else: a configuration says what is run and to whom a key is sent.
 */
export function configFile({ config }: ConfigOption, terminal: Terminal): string {
  const named = config ?? terminal.environment['PORTCULLIS_CONFIG']
  if (named !== undefined) return named
  const found = USUAL_PLACES.find((place) => existsSync(place))
  if (found !== undefined && isOwnFile(found)) return found
  if (found !== undefined)
    throw new CommandError(
      EXIT.usage,
      `${found} is not yours, or others can write it or its folder. If you trust it, name it: --config ${found}`,
    )
  throw new CommandError(
    EXIT.usage,
    `There is no ${USUAL_PLACES.join(' or ')} here; name one with --config, or run: portcullis init`,
  )
}

/** Whether `configFile` would give one, so that a command can do without. */
export function configIsNamedOrThere({ config }: ConfigOption, { environment }: Terminal): boolean {
  const named = config ?? environment['PORTCULLIS_CONFIG']
  return named !== undefined || USUAL_PLACES.some((place) => existsSync(place))
}

/** Throws CommandError or ConfigError. */
export function openConfig(
  option: ConfigOption,
  terminal: Terminal,
): { readonly file: string; readonly config: Config } {
  const file = configFile(option, terminal)
  return { file, config: loadConfig(file, terminal.environment) }
}
