/** Wires what people meet who have to connect an upstream. Nothing of it is loaded or shown when no upstream needs it. */
import type { Ledger } from '../audit/ledger.ts'
import type { Logger } from '../audit/log.ts'
import type { Clock } from '../core/clock.ts'
import type { Revocable } from '../identity/revocation.ts'
import { circumstancesOf, type RelayParts } from '../upstream/relay/parts.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { type Explain, explainer } from './access-explainer.ts'
import type { Access } from './build-access.ts'
import type { Identity } from './build-identity.ts'
import type { Mount } from './path.ts'
import { serverWitness } from './server-witness.ts'

export interface ConnectInput {
  readonly access: Access
  readonly identity: Identity
  readonly ledger: Ledger
  readonly clock: Clock
  readonly log: Logger
  readonly publicUrl: string
}

/** The pages below `/connect/`; undefined when nothing can be connected. */
export async function connectPages({
  access,
  identity,
  ledger,
  clock,
  log,
  publicUrl,
}: ConnectInput): Promise<Mount | undefined> {
  const { connectables, consents } = access
  if (connectables.size === 0) return undefined
  const { ConnectPages } = await import('./connect-pages.ts')
  const witness = serverWitness(ledger, clock, log)
  const stands = (one: Revocable) => !identity.revocations.covers(one, clock.now())
  return new ConnectPages({ connectables, consents, authenticate: identity.check, witness, stands, publicUrl })
}

/** What is said of upstreams that are not connected; undefined when there are none of that kind. */
export function explains(access: Access, upstreams: ReadonlyMap<string, Upstream>, publicUrl: string) {
  if (!access.isUsed) return undefined
  return ({ seal, visibility }: Pick<RelayParts, 'seal' | 'visibility'>): Explain =>
    explainer({
      connectables: access.connectables,
      consents: access.consents,
      seal,
      upstreams,
      sees: (exchange, upstream) => visibility.upstream(exchange.principal, upstream, circumstancesOf(exchange)),
      publicUrl,
    })
}
