/** Decides whose credential a link carries. The scope of a link names its principal; the gateway's own links have none. */
import type { Principal } from '../../core/principal.ts'

/** Whom a credential belongs to. Without a principal it is the tenant's own. */
export interface Holder {
  readonly tenant: string
  readonly principal?: string
}

/** Scope of the links of one principal. JSON, so that no name can pass for another one. */
export const scopeOfPrincipal = ({ tenant, id }: Principal): string => JSON.stringify(['principal', tenant, id])

/** The principal of a scope, or undefined for a link of the gateway itself. */
export function principalOfScope(scope: string): Required<Holder> | undefined {
  if (!scope.startsWith('[')) return undefined
  const [kind, tenant, principal] = JSON.parse(scope) as readonly string[]
  return kind === 'principal' && tenant !== undefined && principal !== undefined ? { tenant, principal } : undefined
}
