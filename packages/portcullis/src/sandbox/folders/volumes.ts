/**
 * The file systems that belong to one upstream alone: an image where the host can mount it, a watched folder elsewhere.
 *
 * What was written in one form is never hidden behind the other: a host that has changed is told so.
 */
import { chownSync, existsSync, mkdirSync, realpathSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { isWithin } from '../bind.ts'
import type { HostIdentity, VolumeSpec } from '../driver.ts'
import type { VolumeAbility } from './volume-ability.ts'
import { ensureImage } from './volume-image.ts'

export type PreparedVolume = ImageVolume | FolderVolume

export interface ImageVolume {
  readonly kind: 'image'
  /** Real path of the image. */
  readonly source: string
  readonly at: string
  readonly bytes: number
  readonly owner: HostIdentity
}

export interface FolderVolume {
  readonly kind: 'folder'
  readonly source: string
  readonly at: string
  readonly bytes: number
  readonly files: number
}

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
/** Places inside that the sandbox fills itself. */
const TAKEN = ['/proc', '/sys', '/dev', '/run', '/etc', '/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
const TAKEN_WHOLE = ['/', '/tmp', '/home', '/var']

/**
 * Makes what is missing. `identity` is the account of the processes when the gateway is root.
 * Throws `sandbox.start_failed` with `detail.path` and `detail.reason`.
 */
export async function prepareVolumes(
  specs: readonly VolumeSpec[],
  ability: VolumeAbility,
  identity: HostIdentity | undefined,
): Promise<readonly PreparedVolume[]> {
  const prepared: PreparedVolume[] = []
  for (const spec of specs) {
    check(spec, prepared)
    mkdirSync(spec.folder, { recursive: true, mode: 0o700 })
    const folder = realpathSync(spec.folder)
    const paths = { image: join(folder, `${spec.name}.ext4`), plain: join(folder, spec.name) }
    prepared.push(
      ability.ok && identity !== undefined
        ? await prepareImage(spec, paths, identity, ability.mkfs)
        : prepareFolder(spec, paths, identity, ability),
    )
  }
  return prepared
}

interface Paths {
  readonly image: string
  readonly plain: string
}

async function prepareImage(
  { at, bytes, files }: VolumeSpec,
  { image, plain }: Paths,
  owner: HostIdentity,
  mkfs: string,
): Promise<ImageVolume> {
  if (existsSync(plain)) refuse(plain, 'the volume was a folder so far; move what it holds, or remove it')
  await ensureImage(image, { bytes, files, owner }, mkfs)
  return { kind: 'image', source: image, at, bytes, owner }
}

function prepareFolder(
  { at, bytes, files }: VolumeSpec,
  { image, plain }: Paths,
  owner: HostIdentity | undefined,
  ability: VolumeAbility,
): FolderVolume {
  const why = ability.ok ? '' : `: ${ability.reason}`
  if (existsSync(image)) refuse(image, `the volume is a file system, which cannot be mounted here${why}`)
  mkdirSync(plain, { recursive: true, mode: 0o700 })
  if (owner !== undefined) chownSync(plain, owner.uid, owner.gid)
  return { kind: 'folder', source: plain, at, bytes, files }
}

function check({ folder, name, at, bytes, files }: VolumeSpec, earlier: readonly PreparedVolume[]): void {
  if (!NAME.test(name)) refuse(folder, 'the name of a volume has lower case letters, digits and hyphens only')
  if (!at.startsWith('/') || at !== normalize(at) || at.includes('\0') || (at.length > 1 && at.endsWith('/')))
    refuse(at, 'the place of a volume is not a plain absolute path')
  if (TAKEN_WHOLE.includes(at) || TAKEN.some((tree) => isWithin(at, tree))) refuse(at, 'no volume can be put here')
  if (earlier.some((volume) => volume.at === at)) refuse(at, 'two volumes are to be in one place')
  if (!isCount(bytes) || !isCount(files)) refuse(at, 'a volume needs a size in bytes and in files')
}

const isCount = (value: number) => Number.isSafeInteger(value) && value > 0

function refuse(path: string, reason: string): never {
  throw new Fault('sandbox.start_failed', { path, reason })
}
