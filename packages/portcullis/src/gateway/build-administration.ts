/** Wires what administrators can ask of the running gateway, and change. */
import type { Ledger } from '../audit/ledger.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { RevocationList } from '../identity/revocation.ts'
import type { Stores } from '../stores/stores.ts'
import { accountSeal } from './account-seal.ts'
import { type Administration, type AdminView, type LiveView, NO_ADMINISTRATION } from './administration.ts'
import type { OpenAdministration } from './administration.ts'
import { openVault } from './build-access.ts'
import { shownTo } from './tenants.ts'

export interface AdminParts {
  readonly config: Config
  readonly clock: Clock
  readonly stores: Stores
  /** That whose records are durable when it says so. */
  readonly chains: Pick<Ledger, 'append'>
  readonly revocations: RevocationList
  readonly publicUrl: string
}

/** What the administration works on; without `live`, on the store of a gateway that does not run. */
export function adminView({ chains, ...parts }: AdminParts, live?: Omit<LiveView, 'restart'>): AdminView {
  const { config, stores, clock } = parts
  const layout = stateLayout(config)
  let opened: ReturnType<typeof openVault> | undefined
  const open = () => (opened ??= openVault(stores, layout, clock))
  return {
    ...parts,
    ledger: chains,
    vault: () => open().vault,
    keys: open,
    seal: accountSeal(() => open().keyring),
    auditFolder: layout.audit,
    shownTo: shownTo(config),
    ...(live && { live: { ...live, restart: restarter(live) } }),
  }
}

/** The administration of a gateway; nothing when none is wished for. */
export const buildAdministration = (
  wished: OpenAdministration | undefined,
  parts: AdminParts,
  live: Omit<LiveView, 'restart'>,
): Administration => wished?.(adminView(parts, live)) ?? NO_ADMINISTRATION

function restarter({ upstreams }: Pick<LiveView, 'upstreams'>): LiveView['restart'] {
  return async (name, concerns) => (await upstreams.get(name)?.restart(concerns)) ?? 0
}
