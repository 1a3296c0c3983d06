/** Decides what a token's `cnf` claim binds it to (RFC 7800, RFC 9449 §6, RFC 8705 §3). What we cannot check is refused. */
import { Fault } from '../core/fault.ts'
import type { Credential } from '../core/principal.ts'

/** Everything in it has to be proved by whoever presents the token. */
export interface Binding {
  /** SHA-256 thumbprint of the caller's key (RFC 7638). */
  readonly jkt?: string
  /** SHA-256 thumbprint of the caller's certificate. */
  readonly x5t?: string
}

const MEMBERS = { jkt: 'jkt', 'x5t#S256': 'x5t' } as const
/** 256 bits in base64url. */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/

/** Nothing for a bearer token. Throws `identity.invalid_token` for a confirmation of another kind, or of no kind. */
export function bindingOf(cnf: unknown): Binding | undefined {
  if (cnf === undefined) return undefined
  if (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf)) throw unknownConfirmation()
  const found: { jkt?: string; x5t?: string } = {}
  for (const [name, value] of Object.entries(cnf)) {
    if (!Object.hasOwn(MEMBERS, name) || typeof value !== 'string' || !THUMBPRINT.test(value)) {
      throw unknownConfirmation()
    }
    found[MEMBERS[name as keyof typeof MEMBERS]] = value
  }
  if (found.jkt === undefined && found.x5t === undefined) throw unknownConfirmation()
  return found
}

/** What a caller has proved once the binding is satisfied. */
export function boundBy({ jkt, x5t }: Binding): NonNullable<Credential['bound']> {
  if (jkt === undefined) return 'certificate'
  return x5t === undefined ? 'key' : 'key-and-certificate'
}

const unknownConfirmation = (): Fault => new Fault('identity.invalid_token', { reason: 'unknown confirmation' })
