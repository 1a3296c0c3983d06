/** The arguments of a call as Cedar sees them: converted by the tool's schema, and only where a policy looks. */
import { Decimal } from './decimal.ts'
import type { RecordShape, Shape } from './shape.ts'
import { EvaluationError, type Outcome, RecordValue, SetValue, UNKNOWN, type Unknown, type Value } from './value.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Arguments that were sent. What does not have the declared type, and what is not declared at all, is an evaluation
 * error: no permit can rest on it, and a forbid that asks for it refuses.
 */
export class Arguments extends RecordValue {
  readonly vague = false
  readonly #json: Json
  readonly #shape: RecordShape

  constructor(json: Json, shape: RecordShape) {
    super()
    this.#json = json
    this.#shape = shape
  }

  has(name: string): boolean {
    if (!Object.hasOwn(this.#json, name)) return false
    if (!this.#shape.fields.has(name)) throw new EvaluationError(`argument ${name} is not declared`)
    return this.#json[name] !== null
  }

  get(name: string): Value | undefined {
    const field = this.#shape.fields.get(name)
    return this.has(name) && field !== undefined ? toValue(this.#json[name], field.shape) : undefined
  }

  names(): readonly string[] {
    return Object.keys(this.#json).filter((name) => this.has(name))
  }
}

/** Arguments that nobody has sent yet. Those that the tool requires will be there. */
export class FutureArguments extends RecordValue {
  readonly vague = true
  readonly #shape: RecordShape

  constructor(shape: RecordShape) {
    super()
    this.#shape = shape
  }

  has(name: string): boolean | Unknown {
    const field = this.#shape.fields.get(name)
    return field === undefined ? false : field.required || UNKNOWN
  }

  get(name: string): Outcome | undefined {
    return this.#shape.fields.has(name) ? UNKNOWN : undefined
  }

  names(): readonly string[] {
    return [...this.#shape.fields.keys()]
  }
}

function toValue(json: unknown, shape: Shape): Value {
  switch (shape.kind) {
    case 'String':
      if (typeof json === 'string') return json
      break
    case 'Bool':
      if (typeof json === 'boolean') return json
      break
    case 'Long':
      if (typeof json === 'number' && Number.isSafeInteger(json)) return json + 0
      break
    case 'decimal':
      if (typeof json === 'number') return Decimal.from(json)
      break
    case 'Set':
      if (Array.isArray(json)) return new SetValue(json.map((element) => toValue(element, shape.element)))
      break
    case 'Record':
      if (typeof json === 'object' && json !== null && !Array.isArray(json)) return new Arguments(json as Json, shape)
      break
  }
  throw new EvaluationError(`an argument is not a ${shape.kind}`)
}
