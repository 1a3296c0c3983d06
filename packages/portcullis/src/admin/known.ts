/** Decides whether names that a request brings exist: a mistake would make somebody who silently may do nothing. */
import { rolesOf, upstreamsOf } from '../config/check-tenants.ts'
import { Fault } from '../core/fault.ts'
import type { AdminView } from '../gateway/administration.ts'
import type { Principal } from '../core/principal.ts'
import { digestOf } from '../mcp/canonical.ts'

/** Throws `administration.refused` with what is known. */
export function requireRoles({ config }: AdminView, tenant: string, roles: readonly string[]): void {
  requireKnown('role', roles, rolesOf(config, tenant))
}

/** Throws `administration.refused` with what is known. */
export function requireUpstreams({ config }: AdminView, tenant: string, upstreams: readonly string[]): void {
  requireKnown('upstream', upstreams, upstreamsOf(config, tenant))
}

/** Throws `administration.refused` with what is known. The stranger is not repeated: it is whatever was sent. */
export function requireKnown(what: string, names: readonly string[], known: readonly string[]): void {
  if (names.every((name) => known.includes(name))) return
  throw new Fault(
    'administration.refused',
    { what, names },
    { says: `There is no such ${what}; known are ${known.join(', ') || 'none'}.` },
  )
}

/** What is not there, and what another tenant has. */
export const unknownThing = (what: string, id: string): Fault => new Fault('transport.not_found', { what, id })

/** What cannot be done as things are. */
export const conflict = (says: string, detail: Readonly<Record<string, unknown>> = {}): Fault =>
  new Fault('administration.conflict', detail, { says })

/** What nobody may ask for so. */
export const refused = (says: string): Fault => new Fault('administration.refused', {}, { says })

/** By which names everything ends that was issued together with the credential of the asker. */
export const familiesOf = ({ credential }: Principal): readonly string[] =>
  'families' in credential ? (credential.families as readonly string[]) : []

/** With what shows of a thing, the revision of that: SHA-256, hex, over its canonical form, as records name it. */
export function withRevision<T extends object>(shown: T): T & { readonly revision: string } {
  return { ...shown, revision: digestOf(shown) }
}
