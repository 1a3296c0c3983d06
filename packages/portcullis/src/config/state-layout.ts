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
  /** Keys that wrap the data keys of the vault. */
  readonly vaultKeys: string
  /** Signs the lock; its public half is beside it, with `.pub`. */
  readonly lockKey: string
  /** When the newest lock was signed that a gateway here believed. */
  readonly newestLock: string
  /** What upstreams said at first use, where their level of trust lets that be enough. */
  readonly firstUse: string
  /** What upstreams last said to the running gateway. */
  readonly told: string
  /** First administrator key. */
  readonly adminKey: string
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
    lockKey: join(state, 'lock.key'),
    newestLock: join(state, 'newest-lock.json'),
    firstUse: join(state, 'first-use.json'),
    told: join(state, 'told.json'),
    adminKey: join(state, 'admin.key'),
  }
}
