/** Reads what the policy commands work on: the policies of a configuration, and tools from a file where one is given. */
import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
import { digestOf } from '../mcp/canonical.ts'
import type { Config } from '../config/schema.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import { isRecord } from '../mcp/message.ts'
import type { PolicyEngine } from '../policy/engine.ts'
import { CommandError, EXIT } from './exit.ts'

/**
 * `toolsFile` maps each upstream to the tools of its `tools/list`. Default: what the gateway has remembered of its last
 * run. Throws PolicyError with every problem, CommandError for the file.
 */
export async function readPolicies(config: Config, toolsFile?: string): Promise<PolicyEngine> {
  const remembered = join(config.state, 'definitions.json')
  const tools = toolsFile ?? (existsSync(remembered) ? remembered : undefined)
  const { loadPolicies } = await import('../policy/load.ts')
  const { policySources, policyWords } = await import('../gateway/policy-sources.ts')
  const sources = policySources(config).map((source) => ({ ...source, file: shorter(source.file) }))
  return loadPolicies(sources, {
    ...policyWords(config),
    tools: tools === undefined ? new Map() : readTools(tools, config, toolsFile === undefined),
  })
}

/** A JSON file that an operator names. Throws CommandError. */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown
  } catch (thrown) {
    throw new CommandError(
      EXIT.usage,
      `${file} cannot be read as JSON: ${thrown instanceof Error ? thrown.message : ''}`,
      thrown,
    )
  }
}

/** Upstreams that are no longer configured are left out of what is remembered, but are a mistake in what is named. */
function readTools(
  file: string,
  config: Config,
  isRemembered: boolean,
): ReadonlyMap<string, readonly ToolDefinition[]> {
  const content = readJson(file)
  if (!isRecord(content)) throw new CommandError(EXIT.usage, `${file}: expected { "upstream": [tool, …] }`)
  const known = new Map<string, readonly ToolDefinition[]>()
  for (const [upstream, tools] of Object.entries(content)) {
    if (!Array.isArray(tools)) throw new CommandError(EXIT.usage, `${file}: ${upstream} is not a list of tools`)
    if (Object.hasOwn(config.upstreams, upstream)) {
      known.set(
        upstream,
        tools.map((tool: unknown) => definition(upstream, tool, file)),
      )
    } else if (!isRemembered) {
      throw new CommandError(EXIT.usage, `${file}: there is no upstream ${JSON.stringify(upstream)}`)
    }
  }
  return known
}

function definition(upstream: string, raw: unknown, file: string): ToolDefinition {
  if (!isRecord(raw) || typeof raw['name'] !== 'string' || !isRecord(raw['inputSchema'])) {
    throw new CommandError(EXIT.usage, `${file}: a tool of ${upstream} lacks its name or its inputSchema`)
  }
  const { annotations } = raw
  return {
    upstream,
    name: raw['name'],
    inputSchema: raw['inputSchema'],
    ...(isRecord(annotations) ? { annotations } : {}),
    raw,
    digest: digestOf(raw),
  }
}

/** What is no path is the name of a ready-made role. */
function shorter(file: string): string {
  if (!isAbsolute(file)) return file
  const path = relative('.', file)
  return path.startsWith('..') ? file : path
}
