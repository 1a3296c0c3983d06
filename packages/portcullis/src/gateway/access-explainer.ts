/** Decides what a caller is told for whom an upstream is not connected: a link of its own, or whom to ask. */
import { Fault } from '../core/fault.ts'
import type { Principal } from '../core/principal.ts'
import { NotConnected } from '../upstream/access/not-connected.ts'
import type { Consents } from '../upstream/oauth/consents.ts'
import type { OAuthAccess } from '../upstream/oauth/oauth-access.ts'
import { type Asking, linkFor } from '../upstream/relay/connect-state.ts'
import type { StateSeal } from '../upstream/relay/seal-state.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** What is known of an upstream to which people can connect. */
export interface Connectable {
  readonly access: OAuthAccess
  readonly mode: 'per-user' | 'shared'
  /** Roles that may connect for their tenant. */
  readonly connectors: readonly string[]
  /** Tenant whose grants are lent to the gateway. */
  readonly lister: string
  readonly visitor: 'proved' | 'anyone-with-the-link'
  /** Name for people. */
  readonly title: string
  readonly host: string
}

export interface ExplainerParts {
  readonly connectables: ReadonlyMap<string, Connectable>
  readonly consents: Consents
  readonly seal: StateSeal
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly sees: (exchange: Asking, upstream: string) => boolean
  readonly publicUrl: string
}

/** Turns what was thrown into what this caller may be told; anything else is given back as it is. */
export type Explain = (thrown: unknown, exchange: Asking) => Promise<unknown>

export function explainer(parts: ExplainerParts): Explain {
  return async (thrown, exchange) => {
    if (!(thrown instanceof NotConnected)) return thrown
    const { detail, wanted } = thrown
    const name = String(detail['upstream'])
    // Who may not know of an upstream must not learn it from an invitation.
    if (!parts.sees(exchange, name)) return new Fault('policy.unknown_target', detail)
    const connectable = parts.connectables.get(name)
    if (wanted === undefined || connectable === undefined) {
      return new Fault(thrown.code, detail, { says: 'No credential for this upstream has been deposited.' })
    }
    const refusal = whyNot(connectable, exchange.principal, detail['reason'] === 'nobody has lent a credential')
    if (refusal !== undefined) return new Fault(thrown.code, detail, { says: refusal })
    const { tenant, id: principal } = exchange.principal
    const person = { tenant, principal }
    const ticket = await parts.consents.invite(person, connectable.access.holderOf(person), wanted)
    const url = `${parts.publicUrl}/connect/${ticket.id}`
    const message = `Connect ${connectable.title} to go on.`
    const upstream = parts.upstreams.get(name) as Upstream
    const link = linkFor(parts.seal, exchange, upstream, { id: ticket.id.slice(0, 16), url, message })
    return new Fault(thrown.code, detail, { says: `${message} Open ${url}`, data: { url }, link })
  }
}

function whyNot({ mode, connectors, lister }: Connectable, { roles, tenant }: Principal, isLent: boolean) {
  if (isLent && tenant !== lister) return 'This upstream is not ready: its operator has to connect it first.'
  if (mode === 'shared' && !roles.some((role) => connectors.includes(role)))
    return 'An administrator has to connect this upstream first.'
  return undefined
}
