/** Finds the slot of what a request aims at: its own for tools and named resources, one for all others of an upstream. */
import type { ToolDefinition } from '../mcp/definition.ts'
import { vagueContext } from './circumstances.ts'
import { actionEntity, targetEntity, toolEntity, upstreamEntity, vagueEntity } from './entities.ts'
import type { ScopeIndex } from './index-by-scope.ts'
import type { Slot } from './memory.ts'
import type { Policy } from './policy.ts'
import { type RecordShape, shapeOf } from './shape.ts'
import { type Entity, UNKNOWN } from './value.ts'
import { type Action, type Aim, entityId } from './vocabulary.ts'

export class Slots {
  readonly #index: ScopeIndex
  readonly #tools: ByName
  readonly #broken: ReadonlyMap<string, ReadonlySet<Policy>>
  readonly #doors = new Map<string, Slot>()
  readonly #slots = new Map<Action, Map<string, Map<string, Slot>>>()

  constructor(
    index: ScopeIndex,
    tools: ReadonlyMap<string, readonly ToolDefinition[]>,
    broken: ReadonlyMap<string, ReadonlySet<Policy>>,
  ) {
    this.#index = index
    this.#tools = byName(tools)
    this.#broken = broken
  }

  tool(upstream: string, name: string): ToolDefinition | undefined {
    return this.#tools.get(upstream)?.get(name)
  }

  /** Undefined for a tool that the upstream does not offer: there is nothing to decide about. */
  find(aim: Aim): Slot | undefined {
    if (aim.action === 'connect') return this.door(aim.upstream)
    const byKey = this.#level(aim.action, aim.upstream)
    const key = this.#key(aim)
    const known = byKey.get(key)
    if (known !== undefined) return known
    const made = this.#make(aim, key)
    // Only tools that exist and entities that policies name get here, so callers cannot make the map grow.
    if (made !== undefined) byKey.set(key, made)
    return made
  }

  /** The slot of connecting to an upstream. */
  door(upstream: string): Slot {
    const known = this.#doors.get(upstream)
    if (known !== undefined) return known
    const made = this.#slot('connect', upstreamEntity(upstream))
    // Upstreams come from routes, which the configuration names.
    this.#doors.set(upstream, made)
    return made
  }

  #level(action: Action, upstream: string): Map<string, Slot> {
    const byUpstream = this.#slots.get(action) ?? new Map<string, Map<string, Slot>>()
    if (byUpstream.size === 0) this.#slots.set(action, byUpstream)
    const known = byUpstream.get(upstream)
    if (known !== undefined) return known
    const made = new Map<string, Slot>()
    byUpstream.set(upstream, made)
    return made
  }

  #key(aim: Use): string {
    if (aim.type === 'Tool') return aim.name
    return this.#index.names(aim.type, entityId(aim.upstream, aim.name)) ? `${aim.type}:${aim.name}` : aim.type
  }

  #make(aim: Use, key: string): Slot | undefined {
    if (aim.type !== 'Tool') {
      const resource =
        key === aim.type ? vagueEntity(aim.type, aim.upstream) : targetEntity(aim.type, aim.upstream, aim.name)
      return this.#slot(aim.action, resource)
    }
    const tool = this.tool(aim.upstream, aim.name)
    return tool && this.#slot(aim.action, toolEntity(tool), shapeOf(tool.inputSchema))
  }

  #slot(action: Action, resource: Entity, shape?: RecordShape): Slot {
    return {
      action: actionEntity(action),
      resource,
      shared: resource.vague,
      shape,
      candidates: this.#index.candidates(action, resource),
      broken: this.#broken.get(resource.id) ?? NONE,
      context: vagueContext(shape && UNKNOWN),
      prospects: new Map(),
    }
  }
}

const NONE: ReadonlySet<Policy> = new Set()

type ByName = ReadonlyMap<string, ReadonlyMap<string, ToolDefinition>>

/** The points of all tenants look into the same definitions. */
const named = new WeakMap<object, ByName>()

function byName(tools: ReadonlyMap<string, readonly ToolDefinition[]>): ByName {
  const known = named.get(tools)
  if (known !== undefined) return known
  const made = new Map([...tools].map(([upstream, all]) => [upstream, new Map(all.map((tool) => [tool.name, tool]))]))
  named.set(tools, made)
  return made
}

type Use = Exclude<Aim, { readonly action: 'connect' }>
