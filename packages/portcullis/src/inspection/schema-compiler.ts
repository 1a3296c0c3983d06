import type { Ajv, AnySchemaObject, ErrorObject, KeywordDefinition, Options } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import draft07 from 'ajv/dist/refs/json-schema-draft-07.json' with { type: 'json' }
import type { Params } from '../mcp/message.ts'
import { linearPattern } from './linear-pattern.ts'
import { checkBounds, type Dialect, SCHEMA_BOUNDS, type SchemaBounds, UnusableSchema } from './schema-bounds.ts'
import { assertedFormats } from './schema-formats.ts'
import { withInner } from './schema-walk.ts'
import { BudgetSpent, spend, spendStep, withBudget } from './validation-budget.ts'

/**
 * The first violation, or undefined when the value is valid. The array ends with the outermost violation. A value that
 * needs more than so many steps is TOO_COMPLEX.
 */
export type Validate = (value: unknown, steps?: number) => Violations | undefined
export type Violations = readonly Violation[]
export type Violation = Pick<ErrorObject, 'keyword' | 'instancePath' | 'params' | 'parentSchema' | 'message'>

const STEP = 'portcullis-step'
/** A value of a megabyte takes about a third of these; a schema that needs more is an attack or might as well be. */
const MAX_STEPS = 1_000_000

const OPTIONS = {
  // Unknown keywords are annotations by the standard, and x-mcp-header is one of them.
  strict: false,
  // Without this, `required: ["toString"]` is met by every object.
  ownProperties: true,
  allErrors: false,
  verbose: true,
  validateSchema: true,
  validateFormats: true,
  inlineRefs: false,
  logger: false,
  $data: false,
} as const satisfies Options

/** Compiles schemas of upstreams: nothing is fetched, patterns run in linear time, each validation in bounded steps. */
export class SchemaCompiler {
  readonly #engines = new Map<Dialect, Ajv>()
  readonly #bounds: SchemaBounds

  constructor(bounds: SchemaBounds = SCHEMA_BOUNDS) {
    this.#bounds = bounds
  }

  /** Throws UnusableSchema when the schema is too large, refers elsewhere, is of an unknown dialect or is not a schema. */
  compile(schema: Params): Validate {
    const dialect = checkBounds(schema, this.#bounds)
    const engine = this.#engine(dialect)
    const prepared = counted(schema)
    try {
      return bounded(withBudget(MAX_STEPS, () => engine.compile(prepared as AnySchemaObject)))
    } catch (cause) {
      if (cause instanceof UnusableSchema) throw cause
      const reason =
        cause instanceof BudgetSpent ? 'too complex' : cause instanceof Error ? cause.message : 'not a schema'
      throw new UnusableSchema(reason.slice(0, 500), { cause })
    } finally {
      // Ajv remembers every schema it has seen; we remember the validator and let the rest go.
      engine.removeSchema(prepared)
      delete engine.refs['']
    }
  }

  #engine(dialect: Dialect): Ajv {
    const known = this.#engines.get(dialect)
    if (known !== undefined) return known
    const engine = newEngine(dialect)
    this.#engines.set(dialect, engine)
    return engine
  }
}

function newEngine(dialect: Dialect): Ajv {
  const regExp = Object.assign(linearPattern, { code: 'linearPattern' })
  // The optimiser is quadratic in the size of the schema, and V8 does the same work where it pays.
  const options: Options = { ...OPTIONS, formats: assertedFormats(), code: { regExp, optimize: false } }
  const engine = dialect === '2020-12' ? new Ajv2020(options) : new Ajv2019(options)
  // The engine for 2019-09 knows every keyword of draft-07, and `unevaluatedProperties`, by which it is closed.
  if (dialect === 'draft-07') engine.addMetaSchema(draft07)
  engine.removeKeyword('uniqueItems')
  engine.addKeyword(uniqueItems)
  engine.addKeyword({ keyword: STEP, schema: false, before: '$ref', errors: false, validate: spendStep })
  return engine
}

function bounded(validate: ReturnType<Ajv['compile']>): Validate {
  const run = (value: unknown): readonly Violation[] | undefined => {
    if (validate(value)) return undefined
    const violations = validate.errors ?? []
    validate.errors = null
    return violations
  }
  return (value, steps = MAX_STEPS) => {
    try {
      return withBudget(steps, () => run(value))
    } catch (thrown) {
      // A reference that leads to itself in place overflows the stack.
      if (thrown instanceof BudgetSpent || thrown instanceof RangeError) return TOO_COMPLEX
      throw thrown
    }
  }
}

export const TOO_COMPLEX: Violations = [{ keyword: STEP, instancePath: '', params: {}, message: 'must be simpler' }]

/**
 * Counts each schema that is applied, and drops identifiers: `#` always means this document, and one tool's `$id` never
 * becomes another tool's reference.
 */
function counted(schema: Params): Params {
  const copy: Record<string, unknown> = { ...withInner(schema, (inner) => counted(inner.schema)), [STEP]: true }
  delete copy['$id']
  return copy
}

/** Ajv compares each item with each other one; this is linear in the text of the items. */
const uniqueItems: KeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  error: { message: 'must NOT have duplicate items' },
  errors: false,
  validate: (unique: boolean, items: readonly unknown[]) => {
    if (!unique) return true
    const seen = new Set<string>()
    for (const item of items) seen.add(canonical(item))
    return seen.size === items.length
  },
}

function canonical(value: unknown): string {
  spend(1)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const members = Object.keys(value).sort()
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical((value as Params)[name])}`).join()}}`
}
