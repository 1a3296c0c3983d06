import { ownTurn } from '../core/turns.ts'
import { digestOf } from '../mcp/canonical.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { Params } from '../mcp/message.ts'
import { close } from './close-schema.ts'
import { checkBounds, SCHEMA_BOUNDS, type SchemaBounds, UnusableSchema } from './schema-bounds.ts'
import { type PatientValidate, patient } from './patient-validate.ts'
import { replaceOldest } from './replace-oldest.ts'
import { SchemaCompiler } from './schema-compiler.ts'

/** The validators of one tool, or the reason why it is unavailable (for operators: it quotes the upstream). */
export type ToolSchema =
  | { readonly usable: true; readonly validateArguments: PatientValidate; readonly validateResult?: PatientValidate }
  | { readonly usable: false; readonly reason: string }

/** What is kept of a tool, and the definition that it was made of. */
interface Kept {
  readonly digest: string
  schema?: ToolSchema
  advertised?: Params
}

/**
 * Keeps the compiled schemas of one definition for each name of a tool, with its digest: a definition is compiled once, a
 * changed one never meets the validator of the old one, and an upstream that changes its tools all day fills no memory. A
 * schema that cannot be compiled makes its tool unavailable.
 */
export class ToolSchemas {
  readonly #compiler: SchemaCompiler
  readonly #bounds: SchemaBounds
  readonly #maxTools: number
  readonly #tools = new Map<string, Kept>()
  /** By digest of a schema, for as long as a tool has it. */
  readonly #validators = new Map<string, WeakRef<PatientValidate>>()
  readonly #forgotten = new FinalizationRegistry<string>((digest) => {
    if (this.#validators.get(digest)?.deref() === undefined) this.#validators.delete(digest)
  })

  constructor(options: { readonly maxTools?: number; readonly bounds?: SchemaBounds } = {}) {
    this.#bounds = options.bounds ?? SCHEMA_BOUNDS
    this.#maxTools = options.maxTools ?? 10_000
    this.#compiler = new SchemaCompiler(this.#bounds)
  }

  /** The validators of `tool`; compiles on first sight, which takes some milliseconds. Throws nothing. */
  compile(tool: ToolDefinition): ToolSchema {
    const kept = this.#kept(tool)
    return (kept.schema ??= this.#build(tool))
  }

  #kept(tool: ToolDefinition): Kept {
    const key = keyOf(tool)
    const kept = this.#tools.get(key)
    if (kept?.digest === tool.digest) return kept
    return replaceOldest<Kept>(this.#tools, key, { digest: tool.digest }, this.#maxTools)
  }

  /** Why the tool is unavailable, or undefined. */
  problem(tool: ToolDefinition): string | undefined {
    const schema = this.compile(tool)
    return schema.usable ? undefined : schema.reason
  }

  /** Compiles what is not yet compiled, one tool a turn of the event loop, so that calls go on meanwhile. */
  async precompile(tools: readonly ToolDefinition[]): Promise<void> {
    for (const tool of tools) {
      if (this.#kept(tool).schema !== undefined) continue
      this.compile(tool)
      await ownTurn()
    }
  }

  /**
   * The `inputSchema` for `tools/list`: the closed one, so that clients see what is enforced; all other keywords as the
   * upstream sent them. The schema of an unavailable tool, which nobody can call, comes back as it is.
   */
  advertised(tool: ToolDefinition): Params {
    const kept = this.#kept(tool)
    return (kept.advertised ??= this.#closed(tool) ?? tool.inputSchema)
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
    const known = this.#validators.get(digest)?.deref()
    if (known !== undefined) return known
    const made = patient(this.#compiler.compile(schema), schema)
    this.#validators.set(digest, new WeakRef(made))
    this.#forgotten.register(made, digest)
    return made
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

/** Names of upstreams have no spaces. */
const keyOf = ({ upstream, name }: ToolDefinition): string => `${upstream} ${name}`
