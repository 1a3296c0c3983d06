/** Whether this host can hold file systems of a fixed size, found out by mounting one. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { askTool } from '../child.ts'
import { makeImage } from './volume-image.ts'

export type VolumeAbility =
  | { readonly ok: true; readonly mkfs: string }
  | { readonly ok: false; readonly reason: string }

type Find = (name: string) => string | undefined

/** `mount.ts` calls the others by name, in a path of its own. */
const TOOLS = ['mkfs.ext4', 'e2fsck', 'resize2fs', 'losetup', 'flock', 'mount', 'truncate', 'stat', 'chown'] as const
const TRIAL = { bytes: 1 << 20, files: 16, owner: { uid: 0, gid: 0 } }

/** Never throws. Leaves nothing behind: the trial's mount is in a namespace that ends with it. */
export async function findVolumeAbility(find: Find): Promise<VolumeAbility> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return { ok: false, reason: 'only root can mount a volume' }
  const missing = TOOLS.find((name) => find(name) === undefined)
  const [mkfs, unshare, sh] = [find('mkfs.ext4'), find('unshare'), find('sh')]
  if (mkfs === undefined || unshare === undefined || sh === undefined || missing !== undefined)
    return { ok: false, reason: `${missing ?? 'unshare'} was not found` }
  const directory = await mkdtemp(join(tmpdir(), 'portcullis-volume-'))
  try {
    const image = join(directory, 'image')
    const place = join(directory, 'place')
    await mkdir(place)
    await makeImage(image, TRIAL, mkfs)
    const line = 'PATH=/usr/sbin:/usr/bin:/sbin:/bin; mount -t ext4 -o loop,nosuid,nodev "$1" "$2"'
    await askTool(unshare, ['--mount', '--', sh, '-c', line, 'trial', image, place])
    return { ok: true, mkfs }
  } catch (problem) {
    return { ok: false, reason: (problem as Error).message.trim() }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
