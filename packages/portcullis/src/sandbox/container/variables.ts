/** Environment variables in the form of `--env-file`, so that no process list shows their values. */
import { Fault } from '../../core/fault.ts'

/**
 * One line for each. Throws `sandbox.start_failed` for a value with a line break, which the form cannot hold: the rest
 * would be another variable.
 */
export function environmentFile(variables: ReadonlyMap<string, string>): string {
  return [...variables]
    .map(([name, value]) => {
      if (/[\r\n]/.test(value)) {
        throw new Fault('sandbox.start_failed', {
          reason: 'a container takes no line break in a variable',
          variable: name,
        })
      }
      return `${name}=${value}\n`
    })
    .join('')
}
