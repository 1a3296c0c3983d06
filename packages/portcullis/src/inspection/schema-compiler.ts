import type { Ajv, AnySchemaObject, ErrorObject, Options } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import draft07 from 'ajv/dist/refs/json-schema-draft-07.json' with { type: 'json' }
import type { Params } from '../mcp/message.ts'
import { contains } from './contains.ts'
import { constant, enumeration, uniqueItems } from './json-equality.ts'
import { linearPattern } from './linear-pattern.ts'
import { multipleOf } from './multiple-of.ts'
import { checkBounds, type Dialect, SCHEMA_BOUNDS, type SchemaBounds, UnusableSchema } from './schema-bounds.ts'
import { assertedFormats } from './schema-formats.ts'
import { countsEvaluated, sound } from './sound-schema.ts'
import { COUNT, counting, unevaluatedItems, unevaluatedProperties } from './unevaluated.ts'
import { BudgetSpent, spendStep, withBudget } from './validation-budget.ts'

/**
 * The first violation, or undefined when the value is valid. The array ends with the outermost violation. A value that
 * takes too long is TOO_COMPLEX; `briefly` means that everybody waits.
 */
export type Validate = (value: unknown, briefly?: boolean) => Violations | undefined
export type Violations = readonly Violation[]
export type Violation = Pick<ErrorObject, 'keyword' | 'instancePath' | 'params' | 'parentSchema' | 'message'>

const STEP = 'portcullis-step'
/** A value of a megabyte takes about a third of these; a schema that needs more is an attack or might as well be. */
const MAX_STEPS = 1_000_000
/** Some ten milliseconds, and a tenth of a second for the worst of patterns. A usual message takes a hundred steps. */
const BRIEF = { steps: 20_000, matching: 640_000 } as const

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
  readonly #engines = new Map<string, Ajv>()
  readonly #bounds: SchemaBounds

  constructor(bounds: SchemaBounds = SCHEMA_BOUNDS) {
    this.#bounds = bounds
  }

  /** Throws UnusableSchema when the schema is too large, refers elsewhere, is of an unknown dialect or is not a schema. */
  compile(schema: Params): Validate {
    const dialect = checkBounds(schema, this.#bounds)
    const engine = this.#engine(dialect, countsEvaluated(schema))
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

  #engine(dialect: Dialect, counts: boolean): Ajv {
    const key = `${dialect} ${counts}`
    const known = this.#engines.get(key)
    if (known !== undefined) return known
    const engine = newEngine(dialect)
    // Where nothing counts what was looked at, it would be noted for nothing, and wrongly.
    engine.opts.unevaluated = counts
    this.#engines.set(key, engine)
    return engine
  }
}

/** What the engine does wrong, too slowly, or with trust in names; the last ones come after all that they count. */
const OWN = [constant, enumeration, multipleOf, unevaluatedItems, unevaluatedProperties]

function newEngine(dialect: Dialect): Ajv {
  const regExp = Object.assign(linearPattern, { code: 'linearPattern' })
  // The optimiser is quadratic in the size of the schema, and V8 does the same work where it pays.
  const options: Options = { ...OPTIONS, formats: assertedFormats(), code: { regExp, optimize: false } }
  const engine = dialect === '2020-12' ? new Ajv2020(options) : new Ajv2019(options)
  // The engine for 2019-09 knows every keyword of draft-07, and `unevaluatedProperties`, by which it is closed.
  if (dialect === 'draft-07') engine.addMetaSchema(draft07)
  // Behind a tuple the engine asks nothing more of an array that is shorter.
  const tuple = dialect === '2020-12' ? 'prefixItems' : 'items'
  for (const definition of [...OWN, { ...contains, before: tuple }, { ...uniqueItems, before: tuple }]) {
    engine.removeKeyword(definition.keyword as string)
    engine.addKeyword(definition)
  }
  engine.addKeyword(counting)
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
  return (value, briefly = false) => {
    try {
      return briefly
        ? withBudget(BRIEF.steps, () => run(value), BRIEF.matching)
        : withBudget(MAX_STEPS, () => run(value))
    } catch (thrown) {
      // A reference that leads to itself in place overflows the stack.
      if (thrown instanceof BudgetSpent || thrown instanceof RangeError) return TOO_COMPLEX
      throw thrown
    }
  }
}

export const TOO_COMPLEX: Violations = [{ keyword: STEP, instancePath: '', params: {}, message: 'must be simpler' }]

/** Counts each schema that is applied. */
const counted = (schema: Params): Params =>
  sound(schema, (one, counts) => ({ ...one, [STEP]: true, ...(counts && { [COUNT]: true }) }))
