/** Where things are inside the state folder. The gateway and the command line must agree on it. */
import { join } from 'node:path'
import type { Config } from './schema.ts'

export interface StateLayout {
  readonly store: string
  readonly authority: string
  /** One folder for each chain is inside. */
  readonly audit: string
  /** Private key of the checkpoints; its public half is beside it, with `.pub`. */
  readonly auditKey: string
  /** File systems of upstreams; one folder for each upstream is inside, and in it one for each scope. */
  readonly volumes: string
  /** Keys of the authorization server. */
  readonly tokenKeys: string
  /** Key-encryption keys, where a file keeps them. Never in a backup. */
  readonly vaultKeys: string
  /** Wrapped tenant keys. Never in a backup: what is shredded would come back with it. */
  readonly tenantKeys: string
  /** Signs the lock; its public half is beside it, with `.pub`. */
  readonly lockKey: string
  /** When the newest lock was signed that a gateway here believed. */
  readonly newestLock: string
  /** What upstreams said at first use, where their level of trust lets that be enough. */
  readonly firstUse: string
  /** What upstreams last said to the running gateway. */
  readonly told: string
  /** What is usual for whom; see `anomalies`. */
  readonly baselines: string
  /** Where each exporter stands, and what was put aside. */
  readonly exports: string
  /** Key of the digests by which telemetry tells callers and tenants. */
  readonly telemetryKey: string
  /** Revocation lists that were fetched. */
  readonly crls: string
  /** First administrator key. */
  readonly adminKey: string
  /** Lists of what the backups hold that were made here. */
  readonly backups: string
  /** Tokens that were issued before a time which stands in it are worth nothing; see `portcullis backup restore --revoke-before`. */
  readonly distrust: string
}

/** All paths are absolute. */
export function stateLayout(config: Pick<Config, 'state' | 'audit'>): StateLayout {
  const { state, audit } = config
  return {
    store: join(state, 'store.sqlite'),
    authority: join(state, 'authority'),
    audit: audit.folder ?? join(state, 'audit'),
    auditKey: join(state, 'audit.key'),
    volumes: join(state, 'volumes'),
    tokenKeys: join(state, 'tokens.key'),
    vaultKeys: join(state, 'vault.keys'),
    tenantKeys: join(state, 'tenant-keys.sqlite'),
    lockKey: join(state, 'lock.key'),
    newestLock: join(state, 'newest-lock.json'),
    firstUse: join(state, 'first-use.json'),
    told: join(state, 'told.json'),
    baselines: join(state, 'baselines.bin'),
    exports: join(state, 'exports'),
    telemetryKey: join(state, 'telemetry.key'),
    crls: join(state, 'crls'),
    adminKey: join(state, 'admin.key'),
    backups: join(state, 'backups'),
    distrust: join(state, 'distrust.json'),
  }
}
