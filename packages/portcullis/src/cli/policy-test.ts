/** `portcullis policy test FILE`: requests with their expected outcomes, for continuous integration. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { formatPath } from '../config/problem.ts'
import type { Config } from '../config/schema.ts'
import { parsePolicyTests, runPolicyTests } from '../policy/test.ts'
import type { PolicyTest } from '../policy/test.ts'
import { CommandError, EXIT } from './exit.ts'
import type { ExitStatus } from './exit.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import { readPolicies } from './read-policies.ts'
import type { Terminal } from './terminal.ts'

export interface PolicyTestOptions extends ConfigOption {
  readonly tools?: string
  readonly json?: boolean
}

/** `findings` when an outcome is not the expected one. A file without cases is a mistake, not a success. */
export async function policyTest(file: string, options: PolicyTestOptions, terminal: Terminal): Promise<ExitStatus> {
  const { config } = openConfig(options, terminal)
  const results = await runPolicyFile(file, config, options.tools, terminal)
  for (const result of results) {
    if (options.json === true) terminal.out(JSON.stringify(result))
    else if (!result.passed) {
      const by = result.explanation.deciding.map(({ id }) => id).join(', ')
      terminal.out(
        `FAILED ${result.name}: expected ${result.expected}, got ${result.actual}${by === '' ? '' : ` by ${by}`}`,
      )
    }
  }
  const failed = results.filter(({ passed }) => !passed).length
  if (options.json !== true) terminal.out(`${results.length - failed} passed, ${failed} failed`)
  return failed === 0 ? EXIT.ok : EXIT.findings
}

/** The outcomes of all cases in a file. Rejects with CommandError and PolicyError. */
export async function runPolicyFile(file: string, config: Config, tools: string | undefined, { clock }: Terminal) {
  const tests = readTests(file)
  for (const { name, principal } of tests) {
    if (config.tenants === undefined || Object.hasOwn(config.tenants, principal.tenant)) continue
    throw new CommandError(EXIT.usage, `${file}: ${name}: there is no tenant ${JSON.stringify(principal.tenant)}`)
  }
  return runPolicyTests(await readPolicies(config, tools), tests, clock.now())
}

function readTests(file: string): readonly PolicyTest[] {
  const tests = parseTests(file)
  if (tests.length === 0) throw new CommandError(EXIT.usage, `${file}: there are no cases`)
  return tests
}

function parseTests(file: string): readonly PolicyTest[] {
  try {
    return parsePolicyTests(parse(readFileSync(file, 'utf8'), { maxAliasCount: 0 }))
  } catch (thrown) {
    throw new CommandError(
      EXIT.usage,
      mistakes(thrown)
        .map((told) => `${file}: ${told}`)
        .join('\n'),
      thrown,
    )
  }
}

/** Every mistake of the shape, or the one of the file or its YAML. */
function mistakes(thrown: unknown): readonly string[] {
  if (!(thrown instanceof Error)) return ['cannot be read']
  if (!('issues' in thrown) || !Array.isArray(thrown.issues)) return [thrown.message.split('\n')[0] ?? '']
  const issues = thrown.issues as readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]
  return issues.map(({ path, message }) => `${formatPath(path)}: ${message}`)
}
