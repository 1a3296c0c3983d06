/** `portcullis config explain PATH`: what a key means, what may stand there, and what does. */
import { existsSync } from 'node:fs'
import { explainPath } from '../config/explain.ts'
import type { Explanation } from '../config/explain.ts'
import { CommandError, EXIT } from './exit.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import type { Terminal } from './terminal.ts'

export interface ConfigExplainOptions extends ConfigOption {
  readonly json?: boolean
}

/** Works without a configuration too: then there is no value to show. */
export function configExplain(path: string, options: ConfigExplainOptions, terminal: Terminal): void {
  const explanation = explain(path, options, terminal)
  if (options.json === true) {
    terminal.out(JSON.stringify(explanation))
    return
  }
  terminal.out(`${explanation.path}: ${explanation.meaning}`)
  terminal.out(`  expected  ${explanation.expected}`)
  if ('default' in explanation) terminal.out(`  default   ${JSON.stringify(explanation.default)}`)
  if ('value' in explanation) terminal.out(`  in force  ${JSON.stringify(explanation.value)}`)
}

function explain(path: string, options: ConfigOption, terminal: Terminal): Explanation {
  const hasConfig = options.config !== undefined || existsSync('portcullis.yaml')
  const config = hasConfig ? openConfig(options, terminal).config : undefined
  try {
    return explainPath(path, config)
  } catch (thrown) {
    if (thrown instanceof RangeError) throw new CommandError(EXIT.usage, thrown.message, thrown)
    throw thrown
  }
}
