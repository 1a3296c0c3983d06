/** Decides by which keys a backup is believed and with what it is opened, for all commands that read one. */
import type { KeyObject } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readCheckpointPublicKey, checkpointKeyId } from '../audit/checkpoint.ts'
import { publicAuditKeys } from '../audit/key-file.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { Secret } from '../core/secret.ts'
import { keyIn } from '../data-protection/backup/manifest.ts'
import { readManifest } from '../data-protection/backup/open-backup.ts'
import type { OpenWith } from '../data-protection/backup/seal.ts'
import type { Open } from '../data-protection/backup/stage.ts'
import { readPrivate } from '../pki/private-file.ts'
import { CommandError, EXIT } from './exit.ts'
import type { ConfigOption } from './open-config.ts'
import type { Terminal } from './terminal.ts'

export interface ReadingOptions extends ConfigOption {
  readonly identity?: readonly string[]
  readonly passphraseFile?: string
  readonly key?: readonly string[]
  readonly keyId?: string
  readonly in?: readonly string[]
  readonly json?: boolean
}

/** Public keys by id: those that were named, those of the state folder, and the one whose id was noted. Throws CommandError. */
export function keysFor(
  folder: string,
  { key = [], keyId }: ReadingOptions,
  config: Pick<Config, 'state' | 'audit'> | undefined,
): ReadonlyMap<string, KeyObject> {
  const auditKey = config && stateLayout(config).auditKey
  const own = auditKey !== undefined && existsSync(`${auditKey}.pub`) ? [...publicAuditKeys(auditKey)] : []
  return new Map([...own, ...key.map(readCheckpointPublicKey), ...(keyId === undefined ? [] : noted(folder, keyId))])
}

/** The id is a digest of the key, so who has noted it may take the key from the backup itself. */
function noted(folder: string, keyId: string): readonly (readonly [string, KeyObject])[] {
  const found = keyIn(readManifest(folder).manifest)
  if (found !== undefined && checkpointKeyId(found) === keyId) return [[keyId, found]]
  throw new CommandError(EXIT.untrusted, `The backup was not signed with the key ${keyId}.`)
}

/** Undefined when nothing was named that opens one. Rejects with BackupError and PkiError. */
export async function openFor({ identity = [], passphraseFile }: ReadingOptions): Promise<Open | undefined> {
  if (identity.length === 0 && passphraseFile === undefined) return undefined
  const { identitiesIn, opener } = await import('../data-protection/backup/seal.ts')
  const identities = identity.flatMap((file) => identitiesIn(readPrivate(file), file))
  const opening: OpenWith = {
    identities,
    ...(passphraseFile !== undefined && { passphrase: passphraseIn(passphraseFile) }),
  }
  return opener(opening)
}

/** Throws CommandError for one that is too short to stand against guessing, and PkiError for a file that others can read. */
export function passphraseIn(file: string): Secret {
  const text = readPrivate(file).replace(/\r?\n$/, '')
  if (text.length < MIN_PASSPHRASE)
    throw new CommandError(EXIT.usage, `The passphrase in ${file} has fewer than ${MIN_PASSPHRASE} characters.`)
  return new Secret(text)
}

const MIN_PASSPHRASE = 16

/** Shows bytes as they come; undefined where nobody watches. */
export function progressOf({ progress }: Terminal, what: string): ((bytes: number) => void) | undefined {
  if (progress === undefined) return undefined
  let done = 0
  return (bytes) => progress(`${what} ${megabytes((done += bytes))}`)
}

export const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`
