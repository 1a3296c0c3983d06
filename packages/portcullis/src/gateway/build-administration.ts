/** Wires what administrators can ask of the running gateway, and change. */
import { rotateKeyFile } from '../audit/key-file.ts'
import type { ChainLedger } from '../audit/ledger.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { RevocationList } from '../identity/revocation.ts'
import type { Stores } from '../stores/stores.ts'
import type { BlockList } from '../traffic/block-list.ts'
import { accountSeal } from './account-seal.ts'
import { type Administration, type AdminView, type LiveView, NO_ADMINISTRATION } from './administration.ts'
import type { OpenAdministration } from './administration.ts'
import type { OpenKeys } from './open-keys.ts'
import { recordIssued } from './own-certificate.ts'
import { authorityDesk } from './publish-revocations.ts'
import { shownTo } from './tenants.ts'

export interface AdminParts {
  readonly config: Config
  readonly clock: Clock
  readonly stores: Stores
  /** That whose records are durable when it says so. */
  readonly chains: Pick<ChainLedger, 'append' | 'rotate'>
  readonly revocations: RevocationList
  readonly blocks: BlockList
  readonly keys: OpenKeys
  readonly publicUrl: string
}

/** What the administration works on; without `live`, on the store of a gateway that does not run. */
export function adminView({ chains, keys, ...parts }: AdminParts, live?: Omit<LiveView, 'restart'>): AdminView {
  const { config, clock } = parts
  const layout = stateLayout(config)
  return {
    ...parts,
    ledger: chains,
    vault: () => keys.vault,
    keys: () => keys,
    seal: accountSeal(keys.keyring),
    auditFolder: layout.audit,
    authority: authorityDesk({ config, layout, clock, announce: (issued) => recordIssued(chains, issued) }),
    rotateAuditKey: () => chains.rotate(rotateKeyFile(layout.auditKey, layout.audit, clock.now())),
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
