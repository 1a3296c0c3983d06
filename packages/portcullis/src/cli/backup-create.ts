/** `portcullis backup create|status`: by the gateway that runs, or by this command beside it or instead of it. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { checkpointSigner, loadCheckpointKey } from '../audit/checkpoint.ts'
import type { SignedEnd } from '../audit/ledger.ts'
import { chainsBelow } from '../audit/last-key.ts'
import { GATEWAY_TENANT } from '../audit/record.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { Catalogue, type CataloguedBackup } from '../data-protection/backup/catalogue.ts'
import type { BackupSigner } from '../data-protection/backup/manifest.ts'
import { readManifest } from '../data-protection/backup/open-backup.ts'
import { manifestDigest } from '../data-protection/backup/manifest.ts'
import type { Packer, WrittenBackup } from '../data-protection/backup/write-backup.ts'
import { factsOf } from '../gateway/build-backups.ts'
import { makeBackup } from '../gateway/make-backup.ts'
import { postgresDump } from '../gateway/postgres-copy.ts'
import { megabytes, passphraseIn } from './backup-files.ts'
import { recipientsIn } from './backup-recipients.ts'
import { CommandError, EXIT } from './exit.ts'
import { type AdminDesk, type AdminOptions, isRunning, withAdmin } from './open-admin.ts'
import { openConfig } from './open-config.ts'
import { proverOf } from './prover-of.ts'
import { minute } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'

export interface BackupCreateOptions extends AdminOptions {
  readonly out?: string
  readonly recipient?: readonly string[]
  readonly recipientsFile?: readonly string[]
  readonly passphraseFile?: string
  /** Folder of the backup that is continued. */
  readonly since?: string
  readonly withKeys?: boolean
}

/** Rejects with CommandError, ConfigError, BackupError, and what the store and the chains throw. */
export async function backupCreate(options: BackupCreateOptions, terminal: Terminal): Promise<void> {
  const { out, recipient, recipientsFile, passphraseFile, since, withKeys } = options
  const isOwnWork = [out, recipient, recipientsFile, passphraseFile, since, withKeys].some((one) => one !== undefined)
  if (options.url !== undefined) {
    if (isOwnWork)
      throw new CommandError(
        EXIT.usage,
        'A gateway elsewhere makes backups as its configuration says; leave out all but --url.',
      )
    return byTheGateway(options, terminal)
  }
  const { config, file } = openConfig(options, terminal)
  if (isRunning(config) && !isOwnWork) return byTheGateway(options, terminal)
  const written = isRunning(config)
    ? await withAdmin(options, terminal, (desk) => besideIt(desk, { config, file }, options, terminal))
    : await insteadOfIt({ config, file }, options, terminal)
  tell(written, options, terminal)
}

export async function backupStatus(options: AdminOptions, terminal: Terminal): Promise<void> {
  const status = await withAdmin(options, terminal, ({ ask }) => ask({ method: 'GET', path: '/backups' }))
  if (options.json === true) return terminal.out(JSON.stringify(status))
  const { last, nextAt, problem } = status as Status
  terminal.out(
    last === undefined
      ? 'No backup was made yet.'
      : `The last backup is of ${minute(last.madeAt)}: ${printable(last.folder)}`,
  )
  if (nextAt !== undefined) terminal.out(`The next one is due at ${minute(nextAt)}.`)
  if (problem !== undefined) terminal.out(`The last attempt came to nothing: ${printable(problem)}`)
}

interface Status {
  readonly isRunning: boolean
  readonly done: number
  readonly total: number
  readonly last?: { readonly id: string; readonly madeAt: number; readonly folder: string }
  readonly nextAt?: number
  readonly problem?: string
}

const POLL_MS = 200

async function byTheGateway(options: AdminOptions, terminal: Terminal): Promise<void> {
  await withAdmin(options, terminal, async ({ ask }) => {
    const before = ((await ask({ method: 'GET', path: '/backups' })) as unknown as Status).last?.id
    await ask({ method: 'POST', path: '/backups', body: {} })
    for (;;) {
      const status = (await ask({ method: 'GET', path: '/backups' })) as unknown as Status
      terminal.progress?.(`sealed ${megabytes(status.done)} of ${megabytes(status.total)}`)
      if (!status.isRunning) {
        terminal.progress?.('')
        if (status.last === undefined || status.last.id === before)
          throw new CommandError(
            EXIT.unavailable,
            `No backup was made: ${printable(status.problem ?? 'see the log of the gateway')}.`,
          )
        return terminal.out(options.json === true ? JSON.stringify(status.last) : printable(status.last.folder))
      }
      await pause(POLL_MS, undefined, { signal: terminal.interrupted })
    }
  })
}

interface Place {
  readonly config: Config
  readonly file: string
}

async function besideIt(
  desk: AdminDesk,
  place: Place,
  options: BackupCreateOptions,
  terminal: Terminal,
): Promise<WrittenBackup> {
  const { auditKey } = stateLayout(place.config)
  if (!existsSync(auditKey))
    throw new CommandError(EXIT.unavailable, `The key that signs backups is not here: ${auditKey}`)
  const signer = checkpointSigner(loadCheckpointKey(auditKey))
  const checkpoints = async () =>
    (await desk.ask({ method: 'POST', path: '/backups/begin', body: {} }))['ends'] as readonly SignedEnd[]
  const written = await make(place, options, terminal, { signer, checkpoints })
  const { id, manifest, folder, privateKeys, bytes, continues } = factsOf(written)
  const body = { id, manifest, folder, privateKeys, bytes, ...(continues !== undefined && { continues }) }
  await desk.ask({ method: 'POST', path: '/backups/made', body })
  return written
}

/** Nobody else can write meanwhile: the chains are locked by this command. */
async function insteadOfIt(place: Place, options: BackupCreateOptions, terminal: Terminal): Promise<WrittenBackup> {
  const { openChains } = await import('./admin-embedded.ts')
  const tenants = chainsBelow(stateLayout(place.config).audit).map(({ tenant }) => tenant)
  const chains = await openChains(place.config, terminal, [GATEWAY_TENANT, ...tenants])
  try {
    const written = await make(place, options, terminal, {
      signer: chains.signer,
      checkpoints: () => chains.checkpoints(),
    })
    await chains.append(GATEWAY_TENANT, {
      kind: 'change',
      what: 'backup.created',
      by: 'command line',
      detail: factsOf(written),
    })
    return written
  } finally {
    await chains.close()
  }
}

interface Maker {
  readonly signer: BackupSigner
  readonly checkpoints: () => Promise<readonly SignedEnd[]>
}

async function make(
  { config, file }: Place,
  options: BackupCreateOptions,
  terminal: Terminal,
  maker: Maker,
): Promise<WrittenBackup> {
  const into = options.out === undefined ? config.backup.folder : resolve(options.out)
  if (into === undefined)
    throw new CommandError(EXIT.usage, 'Say where to: --out FOLDER, or backup.folder in the configuration.')
  const { snapshotSqlite } = await import('../stores/sqlite/snapshot.ts')
  const { store } = stateLayout(config)
  const { progress } = terminal
  const dump = postgresDump({ config, environment: terminal.environment, prover: proverOf(config, terminal) })
  if (config.store.kind === 'postgres' && dump === undefined)
    terminal.err(`Beware: ${(await import('../gateway/build-backups.ts')).STORE_APART}.`)
  const written = await makeBackup({
    ...maker,
    ...{ config, configFile: file, into, clock: terminal.clock, packer: await packerFor(options, config) },
    privateKeys: options.withKeys === true || config.backup.privateKeys !== undefined,
    since: sinceOf(options, config),
    dump,
    snapshot: config.store.kind === 'sqlite' && existsSync(store) ? (to) => snapshotSqlite(store, to) : undefined,
    ...(progress && {
      told: (done: number, total: number) => progress(`sealed ${megabytes(done)} of ${megabytes(total)}`),
    }),
  })
  progress?.('')
  return written
}

async function packerFor(options: BackupCreateOptions, { backup }: Config): Promise<Packer> {
  const { recipient = [], recipientsFile = [], passphraseFile } = options
  const named = [...recipient, ...recipientsFile.flatMap(recipientsIn)]
  const recipients = named.length > 0 ? named : backup.recipients
  if (passphraseFile !== undefined && named.length > 0)
    throw new CommandError(EXIT.usage, 'A backup is sealed for recipients or for a passphrase, not for both.')
  if (passphraseFile === undefined && recipients.length === 0)
    throw new CommandError(
      EXIT.usage,
      'Say who can open it: --recipient age1…, backup.recipients, or --passphrase-file. "portcullis backup identity" makes a recipient.',
    )
  const { sealer } = await import('../data-protection/backup/seal.ts')
  const { packPart } = await import('../data-protection/backup/pack.ts')
  const made = sealer(passphraseFile === undefined ? { recipients } : { passphrase: passphraseIn(passphraseFile) })
  return { kinds: made.kinds, pack: (job, told) => packPart(job, made, told) }
}

function sinceOf({ since }: BackupCreateOptions, config: Config): CataloguedBackup | undefined {
  if (since === undefined) return undefined
  const { manifest, bytes } = readManifest(resolve(since))
  const known = new Catalogue(stateLayout(config).backups).find(manifest.id)
  if (known !== undefined && known.manifest === manifestDigest(bytes)) return known
  throw new CommandError(
    EXIT.usage,
    `This gateway does not remember the backup ${manifest.id}, so it cannot continue it; make a full one, without --since.`,
  )
}

function tell({ folder, manifest }: WrittenBackup, { json }: BackupCreateOptions, terminal: Terminal): void {
  if (json === true) terminal.out(JSON.stringify({ folder, ...manifest }))
  else terminal.out(folder)
  const size = megabytes(manifest.parts.reduce((sum, { bytes }) => sum + bytes, 0))
  terminal.err(
    `${size}, sealed for ${manifest.sealedFor.join(', ')}, signed with the key ${manifest.key}: note it, it tells this backup from a forged one.`,
  )
  terminal.err(
    'The keys of tenants are in no backup: keep dataProtection.tenantKeys.copy and the key-encryption key elsewhere.',
  )
}
