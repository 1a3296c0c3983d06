/**
 * Decides where a value is held against a schema: here when that takes a moment, else in a thread of its own, because a
 * validation cannot be interrupted and everybody would wait for it.
 */
import { hasManyMembers } from '../core/bulk.ts'
import type { Params } from '../mcp/message.ts'
import { TOO_COMPLEX, type Validate, type Violations } from './schema-compiler.ts'

/** As `Validate`, with a promise for what takes long. It rejects when the thread fails: then nobody knows. */
export type PatientValidate = (value: unknown) => Violations | undefined | Promise<Violations | undefined>

/** Some ten milliseconds. A usual message takes a hundred. */
const STEPS_HERE = 20_000

export function patient(validate: Validate, schema: Params): PatientValidate {
  let text: string | undefined
  const apart = async (value: unknown): Promise<Violations | undefined> => {
    const { validateApart } = await import('./validation-thread.ts')
    text ??= JSON.stringify(schema)
    return validateApart(text, value)
  }
  return (value) => {
    if (hasManyMembers(value)) return apart(value)
    const violations = validate(value, STEPS_HERE)
    return violations === TOO_COMPLEX ? apart(value) : violations
  }
}
