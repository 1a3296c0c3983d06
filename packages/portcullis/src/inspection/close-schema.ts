import { isRecord, type Params } from '../mcp/message.ts'
import { resolve } from './schema-bounds.ts'
import { eachInner, type Inner, REFERENCES, withInner } from './schema-walk.ts'

/**
 * Decides which properties nobody declared: returns a copy of `schema` that refuses them.
 *
 * JSON Schema lets undeclared properties through, so a misspelled or smuggled argument would reach the upstream unseen.
 * An object schema with `properties` gets `additionalProperties: false`; where several schemas describe the same object
 * (`allOf`, `$ref` beside `properties`, …) the outermost gets `unevaluatedProperties: false`. What the author said stays:
 * an explicit `additionalProperties` or `unevaluatedProperties`, `patternProperties`, and free-form objects, which
 * declare nothing. Conditions (`if`, `not`, `contains`) are left alone, for a narrower condition widens the schema.
 *
 * Expects a schema that has passed `checkBounds`.
 */
export function close(schema: Params): Params {
  const plan = new ClosingPlan(schema)
  return shut(schema, plan, true)
}

function shut(schema: Params, plan: ClosingPlan, closable: boolean): Params {
  if (plan.frozen.has(schema)) return schema
  const apart = closable && isAlternatives(schema)
  const copy = withInner(schema, (inner) =>
    inner.position === 'condition' ? inner.schema : shut(inner.schema, plan, plan.closes(inner, apart)),
  )
  const keyword = closable ? plan.closingKeyword(schema) : undefined
  return keyword === undefined ? copy : { ...copy, [keyword]: false }
}

/** Looks at the whole schema first, because a definition may be closed only if no other schema extends it. */
class ClosingPlan {
  /** Left as they are, with all that is inside: conditions, and properties that two schemas describe together. */
  readonly frozen = new Set<Params>()
  /** Targets of references that describe an object together with other schemas. */
  readonly #extended = new Set<Params>()
  readonly #root: Params
  readonly #anchors = new Map<string, Params>()

  constructor(root: Params) {
    this.#root = root
    this.#findAnchors(root)
    this.#survey(root, true)
  }

  closes(inner: Inner, apart: boolean): boolean {
    return inner.position === 'in-place' ? apart : !this.#extended.has(inner.schema)
  }

  closingKeyword(schema: Params): 'additionalProperties' | 'unevaluatedProperties' | undefined {
    if ('additionalProperties' in schema || 'unevaluatedProperties' in schema) return undefined
    const others = [...this.#together(schema)].slice(1)
    if (!others.some(declares)) return declares(schema) ? 'additionalProperties' : undefined
    if (isAlternatives(schema)) return undefined
    if (isReference(schema) && !this.#targets(schema).some((target) => this.#extended.has(target))) return undefined
    return 'unevaluatedProperties'
  }

  #survey(schema: Params, closable: boolean): void {
    if (closable && !isReference(schema) && !isAlternatives(schema)) this.#noteTogether(this.#together(schema))
    const apart = closable && isAlternatives(schema)
    eachInner(schema, (inner) => {
      if (inner.position === 'condition') this.#freeze(inner.schema)
      else this.#survey(inner.schema, inner.position === 'in-place' ? apart : true)
    })
  }

  #noteTogether(parts: ReadonlySet<Params>): void {
    const declared = new Map<string, Params>()
    for (const part of parts) {
      for (const target of this.#targets(part)) this.#extended.add(target)
      eachInner(part, ({ keyword, name, schema }) => {
        if (keyword !== 'properties' || name === undefined) return
        const before = declared.get(name)
        if (before !== undefined) for (const twice of [before, schema]) this.#freeze(twice)
        declared.set(name, schema)
      })
    }
  }

  #freeze(schema: Params): void {
    if (this.frozen.has(schema) || schema === this.#root) return
    this.frozen.add(schema)
    eachInner(schema, (inner) => this.#freeze(inner.schema))
    for (const target of this.#targets(schema)) this.#freeze(target)
  }

  /** The schemas that describe the same value as `schema`, itself first, references followed. */
  #together(schema: Params, parts = new Set<Params>()): ReadonlySet<Params> {
    if (parts.has(schema)) return parts
    parts.add(schema)
    eachInner(schema, (inner) => {
      if (inner.position === 'in-place') this.#together(inner.schema, parts)
    })
    for (const target of this.#targets(schema)) this.#together(target, parts)
    return parts
  }

  #targets(schema: Params): Params[] {
    return REFERENCES.flatMap((keyword) => {
      const reference = schema[keyword]
      if (typeof reference !== 'string') return []
      const target = this.#anchors.get(reference) ?? resolve(this.#root, reference)
      return isRecord(target) ? [target] : []
    })
  }

  #findAnchors(schema: Params): void {
    for (const keyword of ['$anchor', '$dynamicAnchor']) {
      if (typeof schema[keyword] === 'string') this.#anchors.set(`#${schema[keyword]}`, schema)
    }
    eachInner(schema, (inner) => this.#findAnchors(inner.schema))
  }
}

const TOGETHER = ['allOf', 'then', 'else', 'dependentSchemas', 'dependencies', ...REFERENCES]

const declares = (schema: Params): boolean => isRecord(schema['properties'])

/** Nothing but a choice: each branch describes the whole object and can be closed by itself. */
const isAlternatives = (schema: Params): boolean =>
  ('anyOf' in schema || 'oneOf' in schema) &&
  !('anyOf' in schema && 'oneOf' in schema) &&
  !declares(schema) &&
  !TOGETHER.some((keyword) => keyword in schema)

const isReference = (schema: Params): boolean =>
  REFERENCES.some((keyword) => keyword in schema) &&
  !declares(schema) &&
  !['allOf', 'anyOf', 'oneOf', 'then', 'else', 'dependentSchemas', 'dependencies'].some((keyword) => keyword in schema)
