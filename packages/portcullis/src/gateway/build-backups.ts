/** Decides when the running gateway makes a backup by itself, which ones it keeps, and who is told when there is none. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ChainLedger, SignedEnd } from '../audit/ledger.ts'
import type { Logger } from '../audit/log.ts'
import { publicAuditKeys } from '../audit/key-file.ts'
import { GATEWAY_TENANT } from '../audit/record.ts'
import { one, type Reading } from '../audit/metrics/reading.ts'
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { Prover } from '../core/tls-agent.ts'
import { BackupError } from '../data-protection/backup/backup-error.ts'
import { Catalogue, type CataloguedBackup } from '../data-protection/backup/catalogue.ts'
import { idIn, openBackup } from '../data-protection/backup/open-backup.ts'
import { type PackThread, packThread } from '../data-protection/backup/pack-thread.ts'
import { draftName, type WrittenBackup } from '../data-protection/backup/write-backup.ts'
import type { Stores } from '../stores/stores.ts'
import { makeBackup } from './make-backup.ts'
import { postgresDump } from './postgres-copy.ts'

export interface BackupsParts {
  readonly config: Config
  readonly configFile: string
  readonly layout: StateLayout
  readonly stores: Pick<Stores, 'backup'>
  readonly chains: Pick<ChainLedger, 'append' | 'checkpoints' | 'signer'>
  readonly clock: Clock
  readonly log: Logger
  readonly environment: Environment
  readonly prover: Prover
}

/** What can be shown of them. Instants are milliseconds since the epoch. */
export interface BackupStatus {
  /** Whether the configuration says for whom and where to. */
  readonly isConfigured: boolean
  readonly isRunning: boolean
  /** Bytes that went in, and of how many. */
  readonly done: number
  readonly total: number
  readonly last?: { readonly id: string; readonly madeAt: number; readonly folder: string }
  /** When the next one is due. */
  readonly nextAt?: number
  /** Why the last attempt came to nothing. */
  readonly problem?: string
}

/** Said to whoever makes a backup of a gateway that shares its store. */
export const STORE_APART =
  'the store is in PostgreSQL and is not part of this backup; name in backup.postgres who may copy it'

const HOUR_MS = 3_600_000
const RETRY_MS = HOUR_MS / 4
const LOOK_MS = HOUR_MS / 60

export class Backups {
  readonly #parts: BackupsParts
  readonly #catalogue: Catalogue
  #startedAt: number
  #timer: NodeJS.Timeout | undefined
  #running: Promise<WrittenBackup> | undefined
  #packer: PackThread | undefined
  #progress = { done: 0, total: 0 }
  #last: CataloguedBackup | undefined
  #problem: string | undefined
  #failedAt = Number.NEGATIVE_INFINITY
  #made = 0
  #failed = 0
  #tellOverdueAt = 0
  #closed = false

  constructor(parts: BackupsParts) {
    this.#parts = parts
    this.#startedAt = parts.clock.now()
    this.#catalogue = new Catalogue(parts.layout.backups)
    this.#last = this.#catalogue.newest(this.#startedAt)
  }

  /** Rejects with BackupError for recipients that are none, and for a folder that cannot serve. */
  async start(): Promise<void> {
    const { config } = this.#parts
    const { schedule, recipients, folder } = config.backup
    if (schedule === undefined || folder === undefined) return
    const { sealer } = await import('../data-protection/backup/seal.ts')
    sealer({ recipients })
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (config.store.kind === 'postgres' && config.backup.postgres === undefined) this.#parts.log.warn(STORE_APART)
    this.#look()
  }

  get status(): BackupStatus {
    const { schedule, folder, recipients } = this.#parts.config.backup
    const last = this.#last
    return {
      isConfigured: folder !== undefined && recipients.length > 0,
      isRunning: this.#running !== undefined,
      ...this.#progress,
      ...(last && { last: { id: last.id, madeAt: last.madeAt, folder: last.folder } }),
      ...(schedule && { nextAt: this.#dueAt(schedule.everyHours) }),
      ...(this.#problem !== undefined && { problem: this.#problem }),
    }
  }

  get readings(): readonly Reading[] {
    const now = this.#parts.clock.now()
    const age = (now - (this.#last?.madeAt ?? this.#startedAt)) / 1_000
    return [
      one(
        'portcullis_backup_age_seconds',
        'Since the last backup, or since the start where there is none.',
        'gauge',
        age,
      ),
      one('portcullis_backups_made_total', 'Backups that this gateway has made.', 'counter', this.#made),
      one('portcullis_backups_failed_total', 'Backups that came to nothing.', 'counter', this.#failed),
    ]
  }

  /** One at a time; rejects with BackupError while one is made, and with why none was made. `by` is for the record. */
  run(by: string): Promise<WrittenBackup> {
    if (this.#running !== undefined)
      return Promise.reject(new BackupError('refused', 'A backup is being made already.'))
    this.#running = this.#make(by).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** For another process of this host, which makes one itself: signs all chains where they stand. Rejects with `audit.unavailable`. */
  begin(): Promise<readonly SignedEnd[]> {
    return this.#parts.chains.checkpoints()
  }

  /** Another process has made one beside the gateway. */
  noticed(): void {
    this.#last = this.#catalogue.newest(this.#parts.clock.now())
    this.#made++
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    // A gateway that ends does not wait for it; what was made so far is removed.
    await this.#packer?.close()
    await this.#running?.catch(() => undefined)
  }

  #look(): void {
    if (this.#closed) return
    const { everyHours } = this.#parts.config.backup.schedule as { readonly everyHours: number }
    const now = this.#parts.clock.now()
    this.#comeBackTo(now)
    if (now >= Math.max(this.#dueAt(everyHours), this.#failedAt + RETRY_MS) && this.#running === undefined)
      this.run('schedule').catch(() => undefined)
    this.#tellOverdue(now)
    this.#timer = setTimeout(() => this.#look(), LOOK_MS).unref()
  }

  /** What a clock that was ahead has left behind must not keep the next backup waiting, nor the word that there is none. */
  #comeBackTo(now: number): void {
    if (this.#last !== undefined && this.#last.madeAt > now) this.#last = this.#catalogue.newest(now)
    if (this.#failedAt > now) this.#failedAt = Number.NEGATIVE_INFINITY
    if (this.#tellOverdueAt > now + 24 * HOUR_MS) this.#tellOverdueAt = now
    this.#startedAt = Math.min(this.#startedAt, now)
  }

  #dueAt(everyHours: number): number {
    return this.#last === undefined ? this.#startedAt : this.#last.madeAt + everyHours * HOUR_MS
  }

  #tellOverdue(now: number): void {
    const { schedule } = this.#parts.config.backup
    if (schedule === undefined || now < this.#tellOverdueAt) return
    const since = this.#last?.madeAt ?? this.#startedAt
    const afterMs = (schedule.alertAfterHours ?? 2 * schedule.everyHours) * HOUR_MS
    if (now - since <= afterMs) return
    this.#tellOverdueAt = now + 24 * HOUR_MS
    const { log, chains } = this.#parts
    log.error('the last backup is too old', { since, ...(this.#problem !== undefined && { problem: this.#problem }) })
    chains
      .append(GATEWAY_TENANT, { kind: 'change', what: 'backup.overdue', by: 'schedule', detail: { since } })
      .catch(() => undefined)
  }

  async #make(by: string): Promise<WrittenBackup> {
    const { log, chains, clock } = this.#parts
    const began = clock.now()
    try {
      const written = await this.#write()
      this.#made++
      this.#problem = undefined
      this.#last = this.#catalogue.newest(clock.now())
      const facts = factsOf(written)
      await chains.append(GATEWAY_TENANT, { kind: 'change', what: 'backup.created', by, detail: facts })
      log.info('a backup was made', { ...facts, durationMs: clock.now() - began })
      this.#prune()
      return written
    } catch (thrown) {
      this.#failed++
      this.#failedAt = clock.now()
      this.#problem = thrown instanceof Error ? thrown.message : String(thrown)
      log.error('no backup could be made', { error: thrown })
      const detail = { problem: this.#problem }
      await chains.append(GATEWAY_TENANT, { kind: 'change', what: 'backup.failed', by, detail }).catch(() => undefined)
      throw thrown
    }
  }

  async #write(): Promise<WrittenBackup> {
    const { config, stores, chains } = this.#parts
    const { recipients, folder, privateKeys } = config.backup
    if (folder === undefined || recipients.length === 0)
      throw new BackupError('refused', 'The configuration names no backup.folder, or no backup.recipients.')
    this.#progress = { done: 0, total: 0 }
    const packer = await packThread(recipients)
    this.#packer = packer
    try {
      return await makeBackup({
        ...this.#parts,
        ...{
          into: folder,
          privateKeys: privateKeys !== undefined,
          packer,
          since: this.#since(folder),
          signer: chains.signer,
        },
        snapshot: stores.backup,
        dump: postgresDump({ ...this.#parts, prover: async () => this.#parts.prover }),
        checkpoints: () => chains.checkpoints(),
        told: (done, total) => {
          this.#progress = { done, total }
        },
      })
    } finally {
      this.#packer = undefined
      await packer.close()
    }
  }

  /** The last one, while it is there and the series is not long enough. */
  #since(folder: string): CataloguedBackup | undefined {
    const { fullEvery = 1 } = this.#parts.config.backup.schedule ?? {}
    const last = this.#catalogue.newest(this.#parts.clock.now())
    if (last === undefined || last.depth + 1 >= fullEvery) return undefined
    return last.folder.startsWith(`${folder}/`) && existsSync(last.folder) ? last : undefined
  }

  /** Only what this gateway has signed; another may use the folder too. */
  #prune(): void {
    const { config, layout, log } = this.#parts
    const { folder, schedule } = config.backup
    if (folder === undefined || schedule === undefined) return
    try {
      const keys = publicAuditKeys(layout.auditKey)
      const ours = readdirSync(folder)
        .filter((name) => idIn(name) !== undefined)
        .flatMap((name) => own(join(folder, name), keys))
        .toSorted((a, b) => b.manifest.madeAt - a.manifest.madeAt)
      const bases = new Map(ours.map(({ manifest: { id, base } }) => [id, base?.id]))
      const needed = new Set<string>()
      for (const { manifest } of ours.slice(0, schedule.keep))
        for (let id: string | undefined = manifest.id; id !== undefined && !needed.has(id); id = bases.get(id))
          needed.add(id)
      for (const { manifest, folder: old } of ours) {
        if (needed.has(manifest.id)) continue
        // Under another name first, so that nobody takes what is half removed for a backup.
        const draft = join(folder, draftName(manifest.id))
        renameSync(old, draft)
        rmSync(draft, { recursive: true, force: true })
      }
    } catch (error) {
      log.warn('old backups could not be removed', { error })
    }
  }
}

function own(folder: string, keys: ReturnType<typeof publicAuditKeys>) {
  try {
    return [openBackup(folder, keys)]
  } catch {
    return []
  }
}

/** For records and logs. */
export const factsOf = ({
  manifest: { id, base, parts, privateKeys, sealedFor },
  digest,
  folder,
}: Omit<WrittenBackup, 'contents'>) => ({
  ...{ id, manifest: digest, folder, privateKeys, sealedFor: [...sealedFor] },
  bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
  ...(base && { continues: base.id }),
})
