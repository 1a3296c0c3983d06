/** Configuration to what of calls is kept beside their records: nothing, unless a tool is named for it. */
import type { Logger } from '../audit/log.ts'
import { type PayloadMask, type PayloadRule, payloads, type Payloads } from '../audit/payload.ts'
import { PayloadFiles } from '../audit/payload-file.ts'
import type { Config } from '../config/schema.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { OpenKeys } from './open-keys.ts'
import { payloadSeal } from './payload-seal.ts'

export interface KeptPayloads extends Payloads {
  /** The next payload of a tenant begins another file. */
  endSegment(tenant: string): void
  close(): Promise<void>
}

export interface PayloadParts {
  readonly config: Pick<Config, 'upstreams'>
  readonly layout: StateLayout
  readonly keys: Pick<OpenKeys, 'keyring'>
  /** What is taken out before anything is sealed. */
  readonly mask?: PayloadMask
}

const MAX_BYTES = 65_536

/** Undefined where no tool keeps anything, so that no call pays for it. Throws PkiError when others can read the keys. */
export function buildPayloads({ config, layout, keys, mask }: PayloadParts): KeptPayloads | undefined {
  const ruleOf = payloadRules(config)
  if (ruleOf === undefined) return undefined
  const store = new PayloadFiles({ directory: layout.audit })
  const kept = payloads({ ruleOf, seal: payloadSeal(keys.keyring), store, ...(mask && { mask }) })
  return { ...kept, endSegment: (tenant) => store.endSegment(tenant), close: () => store.close() }
}

/** Whoever misspells a tool would wait for payloads that never come. Told whenever the tools change. */
export function tellUnkept(
  { upstreams }: Pick<Config, 'upstreams'>,
  definitions: ReadonlyMap<string, readonly Pick<ToolDefinition, 'name'>[]>,
  log: Pick<Logger, 'warn'>,
): void {
  for (const [upstream, tools] of definitions) {
    for (const tool of Object.keys(upstreams[upstream]?.payloads?.tools ?? {})) {
      if (tools.some(({ name }) => name === tool)) continue
      log.warn('payloads are asked of a tool that the upstream does not have', { upstream, tool })
    }
  }
}

type RuleOf = (upstream: string, tool: string) => PayloadRule | undefined

interface UpstreamRules {
  readonly usual: PayloadRule
  readonly tools: ReadonlyMap<string, PayloadRule>
}

/** What is kept of each tool; undefined when nothing is of any. */
export function payloadRules({ upstreams }: Pick<Config, 'upstreams'>): RuleOf | undefined {
  const rules = new Map<string, UpstreamRules>()
  for (const [name, { payloads: said }] of Object.entries(upstreams)) {
    if (said === undefined) continue
    const usual = ruleFrom(said, NOTHING)
    const tools = Object.entries(said.tools ?? {}).map(([tool, own]) => [tool, ruleFrom(own, usual)] as const)
    if ([usual, ...tools.map(([, rule]) => rule)].some(keeps)) rules.set(name, { usual, tools: new Map(tools) })
  }
  if (rules.size === 0) return undefined
  return (upstream, tool) => {
    const { usual, tools } = rules.get(upstream) ?? {}
    const rule = tools?.get(tool) ?? usual
    return rule !== undefined && keeps(rule) ? rule : undefined
  }
}

const NOTHING: PayloadRule = { arguments: false, results: false, maxBytes: MAX_BYTES }

const keeps = (rule: PayloadRule): boolean => rule.arguments || rule.results

const ruleFrom = (said: Partial<PayloadRule>, otherwise: PayloadRule): PayloadRule => ({
  arguments: said.arguments ?? otherwise.arguments,
  results: said.results ?? otherwise.results,
  maxBytes: said.maxBytes ?? otherwise.maxBytes,
})
