import { setImmediate } from 'node:timers/promises'
import { digestOf } from '../mcp/canonical.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { Params } from '../mcp/message.ts'
import { close } from './close-schema.ts'
import { checkBounds, SCHEMA_BOUNDS, type SchemaBounds, UnusableSchema } from './schema-bounds.ts'
import { type PatientValidate, patient } from './patient-validate.ts'
import { SchemaCompiler } from './schema-compiler.ts'

/** The validators of one tool, or the reason why it is unavailable (for operators: it quotes the upstream). */
export type ToolSchema =
  | { readonly usable: true; readonly validateArguments: PatientValidate; readonly validateResult?: PatientValidate }
  | { readonly usable: false; readonly reason: string }

/**
 * Keeps the compiled schemas of tools by definition digest, so that a definition is compiled once and a changed one never
 * meets the validator of the old one. A schema that cannot be compiled makes its tool unavailable.
 */
export class ToolSchemas {
  readonly #compiler: SchemaCompiler
  readonly #bounds: SchemaBounds
  readonly #maxTools: number
  readonly #compiled = new Map<string, ToolSchema>()
  readonly #advertised = new Map<string, Params>()
  readonly #validators = new Map<string, PatientValidate>()

  constructor(options: { readonly maxTools?: number; readonly bounds?: SchemaBounds } = {}) {
    this.#bounds = options.bounds ?? SCHEMA_BOUNDS
    this.#maxTools = options.maxTools ?? 10_000
    this.#compiler = new SchemaCompiler(this.#bounds)
  }

  /** The validators of `tool`; compiles on first sight, which takes some milliseconds. Throws nothing. */
  compile(tool: ToolDefinition): ToolSchema {
    const known = this.#compiled.get(tool.digest)
    if (known !== undefined) return known
    return remember(this.#compiled, tool.digest, this.#build(tool), this.#maxTools)
  }

  /** Why the tool is unavailable, or undefined. */
  problem(tool: ToolDefinition): string | undefined {
    const schema = this.compile(tool)
    return schema.usable ? undefined : schema.reason
  }

  /** Compiles what is not yet compiled, one tool a turn of the event loop, so that calls go on meanwhile. */
  async precompile(tools: readonly ToolDefinition[]): Promise<void> {
    for (const tool of tools) {
      if (this.#compiled.has(tool.digest)) continue
      this.compile(tool)
      await setImmediate()
    }
  }

  /**
   * The `inputSchema` for `tools/list`: the closed one, so that clients see what is enforced; all other keywords as the
   * upstream sent them. The schema of an unavailable tool, which nobody can call, comes back as it is.
   */
  advertised(tool: ToolDefinition): Params {
    const known = this.#advertised.get(tool.digest)
    if (known !== undefined) return known
    return remember(this.#advertised, tool.digest, this.#closed(tool) ?? tool.inputSchema, this.#maxTools)
  }

  #closed(tool: ToolDefinition): Params | undefined {
    try {
      checkBounds(tool.inputSchema, this.#bounds)
    } catch (thrown) {
      if (thrown instanceof UnusableSchema) return undefined
      throw thrown
    }
    return close(tool.inputSchema)
  }

  /** Tools of one family share their schemas, and the same upstream of two tenants shares them all. */
  #patient(schema: Params): PatientValidate {
    const digest = digestOf(schema)
    const known = this.#validators.get(digest)
    if (known !== undefined) return known
    return remember(this.#validators, digest, patient(this.#compiler.compile(schema), schema), this.#maxTools)
  }

  #build(tool: ToolDefinition): ToolSchema {
    try {
      checkBounds(tool.inputSchema, this.#bounds)
      const validateArguments = this.#patient(close(tool.inputSchema))
      if (tool.outputSchema === undefined) return { usable: true, validateArguments }
      return { usable: true, validateArguments, validateResult: this.#patient(tool.outputSchema) }
    } catch (thrown) {
      // Whatever goes wrong here was caused by a schema: the tool is refused and everything else goes on.
      return { usable: false, reason: thrown instanceof Error ? thrown.message : String(thrown) }
    }
  }
}

/** Forgets the oldest entry when there are too many. */
function remember<T>(map: Map<string, T>, key: string, value: T, maxEntries: number): T {
  if (map.size >= maxEntries) map.delete(map.keys().next().value as string)
  map.set(key, value)
  return value
}
