import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ToolDefinition } from '../mcp/definition.ts'
import { isRecord } from '../mcp/message.ts'
import { readToolList, type ToolListLimits } from '../upstream/tool-list.ts'

type Definitions = ReadonlyMap<string, readonly ToolDefinition[]>

/**
 * The tools as they were when the gateway last ran. They let a start check the policies without waiting for the upstreams;
 * what the upstreams then say replaces them before anything of theirs is listed or called.
 */
export class RememberedDefinitions {
  readonly #file: string
  readonly #limits: ToolListLimits

  constructor(stateFolder: string, limits: ToolListLimits) {
    this.#file = join(stateFolder, 'definitions.json')
    this.#limits = limits
  }

  /** What is remembered of these upstreams. A file that cannot be read is no reason not to start: then nothing is. */
  async read(upstreams: readonly string[]): Promise<Definitions> {
    const known = new Map<string, readonly ToolDefinition[]>()
    const saved = this.#parse()
    for (const upstream of upstreams) {
      const tools = saved[upstream]
      if (!Array.isArray(tools)) continue
      const list = await readToolList(upstream, () => Promise.resolve({ tools }), this.#limits).catch(() => undefined)
      if (list !== undefined) known.set(upstream, [...list.tools.values()])
    }
    return known
  }

  /** Written whole or not at all. */
  write(definitions: Definitions): void {
    const saved = Object.fromEntries(
      [...definitions].map(([upstream, tools]) => [upstream, tools.map((tool) => tool.raw)]),
    )
    const draft = `${this.#file}.${process.pid}`
    writeFileSync(draft, JSON.stringify(saved), { mode: 0o600 })
    renameSync(draft, this.#file)
  }

  #parse(): Readonly<Record<string, unknown>> {
    try {
      const saved: unknown = JSON.parse(readFileSync(this.#file, 'utf8'))
      return isRecord(saved) ? saved : {}
    } catch {
      return {}
    }
  }
}
