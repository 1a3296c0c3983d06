/** `portcullis policy explain`: what would be decided, and which policy says so. */
import { rolesOf } from '../config/check-tenants.ts'
import { isRecord } from '../mcp/message.ts'
import { explain } from '../policy/explain.ts'
import type { Explanation, Place } from '../policy/explain.ts'
import { CREDENTIAL_KINDS } from '../policy/words.ts'
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
  readonly credential?: string
  readonly senderConstrained?: boolean
  readonly acr?: string
  readonly amr?: readonly string[]
  readonly scope?: readonly string[]
  readonly tools?: string
  readonly json?: boolean
}

/** `findings` when it is denied, so that a script can ask. */
export async function policyExplain(options: PolicyExplainOptions, terminal: Terminal): Promise<ExitStatus> {
  const { config } = openConfig(options, terminal)
  const { tenant = 'default' } = options
  if (config.tenants) requireKnown('tenant', tenant, Object.keys(config.tenants))
  requireKnown('upstream', options.upstream, Object.keys(config.upstreams))
  for (const role of options.role) requireKnown('role', role, rolesOf(config, tenant))
  if (options.credential !== undefined) requireKnown('kind of credential', options.credential, CREDENTIAL_KINDS)
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

function tell({ decision, tenant, reason, deciding, nearest }: Explanation): readonly string[] {
  return [
    `${decision.effect} in tenant ${tenant}: ${reason}`,
    ...deciding.map((place) => `  ${placeOf(place)}`),
    ...nearest.map((miss) => {
      const { missing, text, error } = miss
      return `  nearest ${placeOf(miss)}, but for its ${missing}: ${text.trim()}${error === undefined ? '' : ` (${error})`}`
    }),
  ]
}

const placeOf = ({ id, file, line, tenant }: Place): string =>
  `${id} (${file}:${line}${tenant === undefined ? '' : `, only in ${tenant}`})`

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
