/** A folder that exists for one test, and a configuration inside it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { ConfigError } from '../../src/config/problem.ts'
import { parseConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'

export const MINIMAL = 'version: 1\nstate: state\n'

export function workspace(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-config-'))
  context.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'policies'))
  writeFileSync(join(folder, 'policies', 'access.cedar'), '')
  return folder
}

export function parse(folder: string, text: string, environment: Record<string, string> = {}): Config {
  return parseConfig(text, join(folder, 'portcullis.yaml'), environment)
}

/** `line:column path: wrong; right` of every problem. */
export function problemsOf(folder: string, text: string, environment: Record<string, string> = {}): readonly string[] {
  try {
    parse(folder, text, environment)
    return []
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown
    return thrown.problems.map((found) => `${found.line}:${found.column} ${found.path}: ${found.wrong}; ${found.right}`)
  }
}
