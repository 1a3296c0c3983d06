/** The image file of a volume: a sparse file with a file system that ends at its size and its number of files. */
import { link, open, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { askTool } from '../child.ts'
import type { HostIdentity } from '../driver.ts'
import { isMarkOfDead, ownMark } from '../mark.ts'

export interface ImageShape {
  readonly bytes: number
  readonly files: number
  /** Who owns the root of the file system. */
  readonly owner: HostIdentity
}

/** Inodes that ext4 keeps for itself, the root folder included. */
const OWN_INODES = 12

/**
 * Makes the image when there is none. Throws `sandbox.start_failed`: the shape cannot be made, such as too many files for
 * too few bytes, or there is an image that is larger than it may be.
 */
export async function ensureImage(image: string, shape: ImageShape, mkfs: string): Promise<void> {
  const existing = await stat(image).catch(() => undefined)
  if (existing === undefined) {
    await makeImage(image, shape, mkfs)
    return
  }
  if (!existing.isFile()) refuse(image, 'the volume is not a file')
  if (existing.size > shape.bytes) refuse(image, `the volume has ${existing.size} bytes already, and does not shrink`)
}

let sequence = 0

/** Whoever looks at the path sees a whole image or none. An image that somebody else made in the meantime stays. */
export async function makeImage(image: string, { bytes, files, owner }: ImageShape, mkfs: string): Promise<void> {
  const draft = `${image}.${ownMark()}-${++sequence}`
  try {
    await sweepDrafts(image)
    const file = await open(draft, 'wx', 0o600)
    await file.truncate(bytes)
    await file.close()
    const extended = `root_owner=${owner.uid}:${owner.gid},lazy_itable_init=1,lazy_journal_init=1,nodiscard`
    await askTool(mkfs, ['-q', '-F', '-m', '0', '-N', `${files + OWN_INODES}`, '-E', extended, '--', draft])
    await link(draft, image).catch((problem: NodeJS.ErrnoException) => {
      if (problem.code !== 'EEXIST') throw problem
    })
  } catch (cause) {
    throw new Fault(
      'sandbox.start_failed',
      { path: image, reason: `the volume was not made: ${(cause as Error).message}` },
      { cause },
    )
  } finally {
    await rm(draft, { force: true })
  }
}

/** What gateways left that were killed at this point. */
async function sweepDrafts(image: string): Promise<void> {
  const names = await readdir(dirname(image))
  const left = names.filter((name) => name.startsWith(`${basename(image)}.`) && isMarkOfDead(name))
  await Promise.all(left.map((name) => rm(join(dirname(image), name), { force: true })))
}

function refuse(path: string, reason: string): never {
  throw new Fault('sandbox.start_failed', { path, reason })
}
