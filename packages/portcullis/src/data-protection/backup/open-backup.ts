/** Reads a backup as it lies in its folder, and the earlier ones that it continues. Nothing in it is believed before its signature. */
import type { KeyObject } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { BackupError } from './backup-error.ts'
import {
  MANIFEST_FILE,
  type Manifest,
  manifestDigest,
  mustBeSigned,
  parseManifest,
  SIGNATURE_FILE,
} from './manifest.ts'
import { mustBeWhole } from './unpack.ts'

export interface OpenedBackup {
  readonly folder: string
  readonly manifest: Manifest
  /** SHA-256 of the bytes of the manifest. */
  readonly digest: string
}

const MAX_MANIFEST_BYTES = 1_048_576
/** A series that is longer was not made by a schedule. */
const MAX_SERIES = 1_000

/** The manifest, when a known key has signed it. Throws BackupError. */
export function openBackup(folder: string, keys: ReadonlyMap<string, KeyObject>): OpenedBackup {
  const { manifest, bytes } = readManifest(folder)
  mustBeSigned(bytes, manifest, readText(folder, SIGNATURE_FILE), keys, basename(folder))
  return { folder, manifest, digest: manifestDigest(bytes) }
}

/** Whatever a folder says of itself. Throws BackupError when it is no backup. */
export function readManifest(folder: string): { readonly manifest: Manifest; readonly bytes: Buffer } {
  const bytes = readFile(folder, MANIFEST_FILE)
  return { manifest: parseManifest(bytes, basename(folder)), bytes }
}

/** Throws BackupError unless each part is there as it was signed, and nothing else is. Needs no secret. */
export async function mustBeComplete({ folder, manifest }: OpenedBackup): Promise<void> {
  const named = new Set([MANIFEST_FILE, SIGNATURE_FILE, ...manifest.parts.map(({ name }) => name)])
  const stranger = readdirSync(folder).find((name) => !named.has(name))
  if (stranger !== undefined)
    throw new BackupError('changed', `${basename(folder)}: ${JSON.stringify(stranger)} does not belong to it.`)
  for (const part of manifest.parts)
    await mustBeWhole(join(folder, part.name), part, `${basename(folder)}/${part.name}`)
}

/**
 * The backup and all that it continues, the oldest first. Earlier ones are looked for beside it and in `places`. Throws
 * BackupError when one is missing, or is not the one that was continued.
 */
export function openSeries(
  folder: string,
  keys: ReadonlyMap<string, KeyObject>,
  places: readonly string[] = [],
): readonly OpenedBackup[] {
  const series = [openBackup(folder, keys)]
  const found = backupsIn([dirname(folder), ...places])
  for (;;) {
    const [oldest] = series as [OpenedBackup]
    const { base, id } = oldest.manifest
    if (base === undefined) return series
    const place = found.get(base.id)
    if (place === undefined)
      throw new BackupError(
        'absent',
        `${basename(oldest.folder)}: it continues the backup ${base.id}, which is not here; name its folder with --in.`,
      )
    const earlier = openBackup(place, keys)
    if (earlier.digest !== base.manifest)
      throw new BackupError(
        'changed',
        `${basename(place)}: it is not the backup that ${id} continues; its manifest was exchanged.`,
      )
    if (earlier.manifest.madeAt > oldest.manifest.madeAt || series.length >= MAX_SERIES)
      throw new BackupError(
        'unsound',
        `${basename(place)}: it cannot come before the backup ${id}, which continues it.`,
      )
    series.unshift(earlier)
  }
}

/** Folders of backups by their ids, as they say themselves. */
export function backupsIn(places: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const place of places) {
    for (const name of readdirSync(place)) {
      const id = idIn(name)
      if (id !== undefined && !found.has(id)) found.set(id, join(place, name))
    }
  }
  return found
}

const NAME = /^portcullis-(\d{8}T\d{6}Z)-([0-9a-f]{16})$/

/** The id in the name of a folder; undefined for one that is none of ours. */
export const idIn = (name: string): string | undefined => NAME.exec(name)?.[2]

/** Sorts by time. */
export const folderName = (madeAt: number, id: string): string =>
  `portcullis-${new Date(madeAt).toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${id}`

const readText = (folder: string, name: string): string => readFile(folder, name).toString('utf8').trim()

function readFile(folder: string, name: string): Buffer {
  const path = join(folder, name)
  const facts = statSync(path, { throwIfNoEntry: false })
  if (facts === undefined) {
    const isThere = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true
    const says = isThere
      ? `${basename(folder)}: it has no ${name}; it is no backup, or was never finished.`
      : `There is no backup at ${folder}.`
    throw new BackupError('absent', says)
  }
  if (facts.size > MAX_MANIFEST_BYTES) throw new BackupError('changed', `${basename(folder)}: ${name} is too long.`)
  return readFileSync(path)
}
