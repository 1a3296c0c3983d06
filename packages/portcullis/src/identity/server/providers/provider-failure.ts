/** Decides what becomes of what the protocol library throws: nobody was signed in, or nobody could be asked. */
import { Fault } from '../../../core/fault.ts'

/** The provider did not answer, or not as one that works. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

/** `identity.unavailable` or `identity.sign_in_failed`. */
export function providerFailure(provider: string, thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown
  if (causesOf(thrown).some((one) => one instanceof Unreachable)) return unavailable(provider, thrown)
  // An error of OAuth is a word of a list; anything longer is not one.
  const reason = textOf(thrown, 'error')?.slice(0, 64) ?? codeOf(thrown)
  return new Fault('identity.sign_in_failed', { provider, reason }, { cause: thrown })
}

export function unavailable(provider: string, cause: unknown): Fault {
  if (cause instanceof Fault) return cause
  return new Fault('identity.unavailable', { provider, reason: codeOf(cause) }, { cause })
}

/** The library's code, never its sentence: that one may quote what the provider wrote. */
const codeOf = (thrown: unknown): string => textOf(thrown, 'code')?.slice(0, 64) ?? 'not usable'

/** A member of the error or of what caused it. */
function textOf(thrown: unknown, member: 'code' | 'error'): string | undefined {
  for (const one of causesOf(thrown)) {
    const value = (one as Error & { readonly code?: unknown; readonly error?: unknown })[member]
    if (typeof value === 'string') return value
  }
  return undefined
}

function causesOf(thrown: unknown): readonly Error[] {
  const found: Error[] = []
  let current = thrown
  while (current instanceof Error && found.length < 8) {
    found.push(current)
    current = current.cause
  }
  return found
}
