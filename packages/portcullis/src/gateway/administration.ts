import type { Exporters } from '../audit/export/exporters.ts'
import type { KeyTaken, Ledger } from '../audit/ledger.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Answer, Exchange } from '../core/exchange.ts'
import type { Authenticated } from '../core/principal.ts'
import type { Vault } from '../data-protection/vault/vault.ts'
import type { RevocationList } from '../identity/revocation.ts'
import type { Seal } from '../identity/server/seal.ts'
import type { Bounded } from '../limits/bound.ts'
import type { Breakers } from '../limits/breakers.ts'
import type { PolicyEngine } from '../policy/engine.ts'
import type { Stores } from '../stores/stores.ts'
import type { BlockList } from '../traffic/block-list.ts'
import type { SessionTable } from '../upstream/relay/session-table.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Anomalies } from './build-anomalies.ts'
import type { Backups } from './build-backups.ts'
import type { DefinitionsInForce } from './definitions-in-force.ts'
import type { OpenKeys } from './open-keys.ts'
import type { Processes } from './processes.ts'
import type { AuthorityDesk } from './publish-revocations.ts'
import type { ShownTo } from './tenants.ts'

/** What the room that administers works on. */
export interface AdminView {
  readonly config: Config
  readonly clock: Clock
  readonly stores: Stores
  /** Records are durable when it says so, whatever `audit.durability` says of calls. */
  readonly ledger: Pick<Ledger, 'append'>
  readonly revocations: Pick<RevocationList, 'revoke' | 'list' | 'suspensionOf'>
  readonly blocks: Pick<BlockList, 'block' | 'remove' | 'list'>
  readonly vault: () => Vault
  readonly keys: () => OpenKeys
  readonly seal: Seal
  readonly authority: AuthorityDesk
  /** Origin by which clients reach the gateway, without a trailing slash. */
  readonly publicUrl: string
  /** Folder of the audit chains. */
  readonly auditFolder: string
  /** Puts another key in the place of the one that signs checkpoints, for good. Rejects with AuditKeyError. */
  readonly rotateAuditKey: () => Promise<KeyTaken>
  readonly shownTo: ShownTo
  /** Absent where the command line works on the store of a gateway that does not run. */
  readonly live?: LiveView
}

/** What only a gateway that runs has. */
export interface LiveView {
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly processes: Pick<Processes, 'live'>
  readonly sessions: SessionTable
  /** Which upstreams are left alone now, and how many calls at once each may have. */
  readonly traffic: {
    readonly breakers: Pick<Breakers, 'open'>
    readonly adaptive: { readonly limits: readonly { readonly upstream: string; readonly limit: number }[] } | undefined
  }
  readonly engine: () => PolicyEngine
  /** What waits for approval, and the way to approve it. */
  readonly definitions: Pick<DefinitionsInForce, 'waiting' | 'mustBeAsShown' | 'approve'>
  /** Who behaves unusually, and the way to end what followed. */
  readonly anomalies?: Pick<Anomalies, 'watch' | 'restored'> | undefined
  /** Absent where no exporter is configured. */
  readonly exporters?: Pick<Exporters, 'status' | 'test'> | undefined
  readonly backups: Pick<Backups, 'status' | 'run' | 'begin' | 'noticed'>
  /** Gives new connections another certificate of ours. Rejects with PkiError. */
  readonly renewCertificate: () => Promise<void>
  /** Ends what principals have under way at upstreams, processes included. */
  readonly restart: (upstream: string, concerns: (scope: string) => boolean) => Promise<number>
}

export interface Administration {
  /** Whether the path, in any method, belongs to it. */
  takes(path: string): boolean
  /** Answers whoever may enter; what each route demands beyond that is decided here. Throws faults. Unbounded, nothing ends it. */
  serve(exchange: Exchange & Authenticated & Partial<Bounded>): Promise<Answer>
}

/** Makes the administration of one gateway. */
export type OpenAdministration = (view: AdminView) => Administration

export const NO_ADMINISTRATION: Administration = {
  takes: () => false,
  serve: () => Promise.resolve({ status: 404 }),
}
