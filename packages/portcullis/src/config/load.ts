/** From a file to a valid configuration, or to the list of everything that is wrong with it. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { anchor } from './anchor.ts'
import { checkFiles } from './check-files.ts'
import type { Environment } from './environment.ts'
import { parseYaml } from './parse-yaml.ts'
import { ConfigError, formatPath } from './problem.ts'
import type { Problem } from './problem.ts'
import type { Config } from './schema.ts'
import { validate } from './validate.ts'

/** Reads and checks `file`. The result is complete: defaults are filled in and paths are absolute. Throws ConfigError. */
export function loadConfig(file: string, environment: Environment): Config {
  return parseConfig(readText(file), file, environment)
}

/** As loadConfig, for text that is already at hand. `file` places problems and anchors relative paths. */
export function parseConfig(text: string, file: string, environment: Environment): Config {
  const parsed = parseYaml(text, file)
  if (parsed.value === undefined && parsed.problems.length > 0) throw new ConfigError(parsed.problems)
  const { config, problems } = validate(parsed, file)
  const all = [...parsed.problems, ...problems]
  if (config === undefined) throw new ConfigError(sorted(all))
  const anchored = anchor(config, dirname(resolve(file)))
  for (const { path, wrong, right } of checkFiles(anchored, file, environment)) {
    all.push({ file, ...parsed.locate(path, 'value'), path: formatPath(path), wrong, right })
  }
  if (all.length > 0) throw new ConfigError(sorted(all))
  return anchored
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException).code === 'ENOENT'
    const wrong = missing ? 'there is no such file' : 'the file cannot be read'
    const right = missing ? 'run "portcullis init" to create one' : 'let the user of the gateway read it'
    throw new ConfigError([{ file, line: 1, column: 1, path: '', wrong, right }])
  }
}

function sorted(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
}
