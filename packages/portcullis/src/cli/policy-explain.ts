/** `portcullis policy explain`: what would be decided, and which policy says so. */
import { isRecord } from '../mcp/message.ts'
import { explain } from '../policy/explain.ts'
import type { Explanation } from '../policy/explain.ts'
import { CommandError, EXIT } from './exit.ts'
import type { ExitStatus } from './exit.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import { toRequest } from './policy-request.ts'
import type { PolicyQuestion } from './policy-request.ts'
import { readPolicies } from './read-policies.ts'
import type { Terminal } from './terminal.ts'

export interface PolicyExplainOptions extends ConfigOption {
  readonly role: readonly string[]
  readonly action: string
  readonly upstream: string
  readonly target?: string
  readonly args?: string
  readonly address?: string
  readonly time?: string
  readonly tenant?: string
  readonly tools?: string
  readonly json?: boolean
}

/** `findings` when it is denied, so that a script can ask. */
export async function policyExplain(options: PolicyExplainOptions, terminal: Terminal): Promise<ExitStatus> {
  const { config } = openConfig(options, terminal)
  requireKnown('upstream', options.upstream, Object.keys(config.upstreams))
  for (const role of options.role) requireKnown('role', role, config.policy.roles)
  const args = readArgs(options.args)
  const question = { ...options, roles: options.role, ...(args === undefined ? {} : { args }) }
  const request = toRequest(question as PolicyQuestion, terminal.clock.now())
  const engine = await readPolicies(config, options.tools)
  if (options.action === 'tools/call' && !engine.vocabulary.tools.has(options.upstream)) {
    terminal.err(`The tools of ${options.upstream} are not known before the gateway has run; name them with --tools.`)
  }
  const explanation = explain(engine, request)
  if (options.json === true) terminal.out(JSON.stringify(explanation))
  else for (const line of tell(explanation)) terminal.out(line)
  return explanation.decision.effect === 'allow' ? EXIT.ok : EXIT.findings
}

function tell({ decision, reason, deciding, nearest }: Explanation): readonly string[] {
  return [
    `${decision.effect}: ${reason}`,
    ...deciding.map(({ id, file, line }) => `  ${id} (${file}:${line})`),
    ...nearest.map(({ id, file, line, missing, text, error }) => {
      return `  nearest ${id} (${file}:${line}), but for its ${missing}: ${text.trim()}${error === undefined ? '' : ` (${error})`}`
    }),
  ]
}

function readArgs(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return value
  } catch (thrown) {
    throw new CommandError(EXIT.usage, '--args is a JSON object', thrown)
  }
  throw new CommandError(EXIT.usage, '--args is a JSON object')
}

function requireKnown(what: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return
  throw new CommandError(EXIT.usage, `there is no ${what} ${JSON.stringify(name)}; known are ${known.join(', ')}`)
}
