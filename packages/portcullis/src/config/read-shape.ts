/** Reads what a configuration says without looking whether what it names is there: where a gateway is put back, much is not yet. */
import { dirname, resolve } from 'node:path'
import { anchor } from './anchor.ts'
import { parseYaml } from './parse-yaml.ts'
import { ConfigError } from './problem.ts'
import type { Config } from './schema.ts'
import { validate } from './validate.ts'

/** `file` anchors relative paths. Throws ConfigError for what is no configuration. */
export function readShape(
  text: string,
  file: string,
  change: (value: Record<string, unknown>) => void = () => {},
): Config {
  const parsed = parseYaml(text, file)
  if (typeof parsed.value === 'object' && parsed.value !== null) change(parsed.value as Record<string, unknown>)
  const { config, problems } = validate(parsed, file)
  if (config === undefined) throw new ConfigError([...parsed.problems, ...problems])
  return anchor(config, dirname(resolve(file)))
}
