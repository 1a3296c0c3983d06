/** The environment of a sandboxed process: fixed values and what the operator listed, nothing of the gateway's own. */
import { Fault } from '../core/fault.ts'
import { Secret } from '../core/secret.ts'

/** The home directory inside: a private file system that is empty at start. */
export const HOME = '/home/sandbox'

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * Names and revealed values. Throws `sandbox.start_failed` for a name that is not a portable one (POSIX.1-2017, 8.1)
 * and for NUL in a value, which would end an argument early and start another one.
 */
export function buildEnvironment(
  listed: Readonly<Record<string, string | Secret>>,
  inside: { readonly home: string; readonly pathDirectories: readonly string[] },
): ReadonlyMap<string, string> {
  const environment = new Map([
    ['PATH', [...inside.pathDirectories, '/usr/local/bin', '/usr/bin', '/bin'].join(':')],
    ['HOME', inside.home],
    ['TMPDIR', '/tmp'],
    ['LANG', 'C.UTF-8'],
    ['USER', 'sandbox'],
  ])
  for (const [name, value] of Object.entries(listed)) {
    if (!NAME.test(name)) throw new Fault('sandbox.start_failed', { reason: 'bad name of a variable', variable: name })
    const text = value instanceof Secret ? value.reveal() : value
    if (text.includes('\0')) throw new Fault('sandbox.start_failed', { reason: 'NUL in a variable', variable: name })
    environment.set(name, text)
  }
  return environment
}
