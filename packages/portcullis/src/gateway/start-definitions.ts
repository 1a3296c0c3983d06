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
 * themselves in any case. An upstream that cannot be reached, or never comes to an end, keeps the others from nothing:
 * after `waitMs` the start goes on, and policies are checked against its tools once they are known.
 */
export async function startDefinitions(
  stateFolder: string,
  upstreams: ReadonlyMap<string, Upstream>,
  waitMs: number,
  log: Logger,
): Promise<StartDefinitions> {
  const memory = new RememberedDefinitions(stateFolder, { maxPages: 1, maxTools: 10_000, maxBytes: 67_108_864 })
  const remembered = await memory.read([...upstreams.keys()])
  const first = [...upstreams.values()].filter((upstream) => !remembered.has(upstream.name))
  const later = [...upstreams.values()].filter((upstream) => remembered.has(upstream.name))
  await atMost(waitMs, Promise.all(first.map((upstream) => ask(upstream, log))))
  for (const upstream of later) setImmediate(() => void ask(upstream, log))
  const known = new Map(remembered)
  for (const upstream of first)
    if (upstream.catalogue.revision > 0) known.set(upstream.name, upstream.catalogue.everything())
  return {
    known,
    remember(definitions, schemas) {
      try {
        memory.write(definitions)
      } catch (error) {
        // What is in force stands; only the next start has to wait for the upstreams again.
        log.warn('the tools cannot be remembered', { error })
      }
      for (const tools of definitions.values()) void schemas.precompile(tools)
    },
  }
}

async function atMost(waitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, waitMs)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}

async function ask(upstream: Upstream, log: Logger): Promise<void> {
  try {
    await upstream.catalogue.ready()
  } catch (thrown) {
    const fault = thrown instanceof Fault ? { fault: thrown.code, ...thrown.detail } : { error: thrown }
    log.warn('an upstream does not tell its tools', { upstream: upstream.name, ...fault })
  }
}
