import type { Logger } from '../audit/log.ts'
import { Fault } from '../core/fault.ts'
import type { ToolSchemas } from '../inspection/tool-schemas.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { RememberedDefinitions } from './definitions.ts'

type Definitions = ReadonlyMap<string, readonly ToolDefinition[]>

export interface StartDefinitions {
  /** The tools that policies are first checked against. An upstream that never told its tools is missing. */
  readonly known: Definitions
  remember(definitions: Definitions, schemas: ToolSchemas): void
}

/**
 * Gets the tools of all upstreams: from memory where they are known, so that a start need not wait, and from the upstreams
 * themselves in any case. An upstream that cannot be reached keeps the others from nothing.
 */
export async function startDefinitions(
  stateFolder: string,
  upstreams: ReadonlyMap<string, Upstream>,
  log: Logger,
): Promise<StartDefinitions> {
  const memory = new RememberedDefinitions(stateFolder, { maxPages: 1, maxTools: 10_000, maxBytes: 67_108_864 })
  const remembered = await memory.read([...upstreams.keys()])
  const first = [...upstreams.values()].filter((upstream) => !remembered.has(upstream.name))
  const later = [...upstreams.values()].filter((upstream) => remembered.has(upstream.name))
  await Promise.all(first.map((upstream) => ask(upstream, log)))
  for (const upstream of later) setImmediate(() => void ask(upstream, log))
  const known = new Map(remembered)
  for (const upstream of first) if (upstream.catalogue.revision > 0) known.set(upstream.name, upstream.catalogue.list())
  return {
    known,
    remember(definitions, schemas) {
      memory.write(definitions)
      for (const tools of definitions.values()) void schemas.precompile(tools)
    },
  }
}

async function ask(upstream: Upstream, log: Logger): Promise<void> {
  try {
    await upstream.catalogue.ready()
  } catch (thrown) {
    const fault = thrown instanceof Fault ? { fault: thrown.code, ...thrown.detail } : { error: thrown }
    log.warn('an upstream does not tell its tools', { upstream: upstream.name, ...fault })
  }
}
