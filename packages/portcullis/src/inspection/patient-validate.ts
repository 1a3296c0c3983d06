/**
 * Decides where a value is held against a schema: here when that takes a moment, else in a thread of its own, because a
 * validation cannot be interrupted and everybody would wait for it.
 */
import { hasManyMembers } from '../core/bulk.ts'
import type { Params } from '../mcp/message.ts'
import type { Claimed } from './claim.ts'
import { TOO_COMPLEX, type Validate, type Violations } from './schema-compiler.ts'

/**
 * As `Validate`, with a promise for what takes long: `by` is who waits for it. It rejects when the thread fails,
 * for then nobody knows, and when nobody wants to know any more.
 */
export type PatientValidate = (value: unknown, by?: Claimed) => Violations | undefined | Promise<Violations | undefined>

export function patient(validate: Validate, schema: Params): PatientValidate {
  let text: string | undefined
  const apart = async (value: unknown, by?: Claimed): Promise<Violations | undefined> => {
    const { validateApart } = await import('./validation-thread.ts')
    text ??= JSON.stringify(schema)
    return validateApart(text, value, by)
  }
  return (value, by) => {
    if (hasManyMembers(value)) return apart(value, by)
    const violations = validate(value, true)
    return violations === TOO_COMPLEX ? apart(value, by) : violations
  }
}
