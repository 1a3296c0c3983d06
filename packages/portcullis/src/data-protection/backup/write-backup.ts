/** Decides how a backup comes to be: in a folder aside, sealed, signed, on the disk, and only then under its name. */
import { randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Contents, KeptFile, Piece, Root } from './contents.ts'
import {
  type BackupSigner,
  MANIFEST_FILE,
  type Manifest,
  manifestBytes,
  manifestDigest,
  type PartFact,
  SIGNATURE_FILE,
  signManifest,
} from './manifest.ts'
import { folderName } from './open-backup.ts'
import type { PackedPart, PackJob, Source } from './pack.ts'

/** A file that belongs into a backup. */
export interface PlannedFile {
  readonly root: Root
  readonly path: string
  readonly mode: number
  /** What an earlier backup holds of it already: its beginning. */
  readonly before: readonly Piece[]
  /** The rest. */
  readonly source: Source
}

/** Seals parts, here or in a thread. */
export interface Packer {
  readonly kinds: readonly string[]
  pack(job: PackJob, told: (bytes: number) => void): Promise<PackedPart>
}

export interface BackupPlan {
  /** Folder in which that of the backup is made. */
  readonly into: string
  readonly madeAt: number
  readonly program: string
  readonly base?: { readonly id: string; readonly manifest: string }
  readonly about: Pick<Contents, 'roots' | 'config' | 'hasStore' | 'database' | 'chains'>
  /** By part; parts without files are left out. */
  readonly files: Readonly<Record<'store' | 'records' | 'files', readonly PlannedFile[]>>
  readonly privateKeys: boolean
  readonly packer: Packer
  readonly signer: BackupSigner
  /** Hears how many bytes went in. */
  readonly told?: (bytes: number) => void
}

export interface WrittenBackup {
  readonly folder: string
  readonly manifest: Manifest
  /** SHA-256 of the manifest. */
  readonly digest: string
  readonly contents: Contents
}

export const newBackupId = (): string => randomBytes(8).toString('hex')

/** Rejects with BackupError and what the file system throws; then nothing is left. */
export async function writeBackup(plan: BackupPlan, id: string): Promise<WrittenBackup> {
  const draft = join(plan.into, draftName(id))
  await mkdir(draft, { mode: 0o700 })
  try {
    const { manifest, contents } = await fill(plan, id, draft)
    const bytes = manifestBytes(manifest)
    await writeWhole(join(draft, SIGNATURE_FILE), `${signManifest(bytes, plan.signer)}\n`)
    await writeWhole(join(draft, MANIFEST_FILE), bytes)
    await syncFolder(draft)
    const folder = join(plan.into, folderName(plan.madeAt, id))
    await rename(draft, folder)
    await syncFolder(dirname(folder))
    return { folder, manifest, digest: manifestDigest(bytes), contents }
  } catch (thrown) {
    await rm(draft, { recursive: true, force: true })
    throw thrown
  }
}

/** Name of a folder that is not a backup yet, or none any more. */
export const draftName = (id: string): string => `.portcullis-${id}.draft`

/** What a process left behind that was killed. */
export const isDraft = (name: string): boolean => /^\.portcullis-[0-9a-f]{16}\.draft$/.test(name)

async function fill(plan: BackupPlan, id: string, draft: string) {
  const { packer, told = () => {} } = plan
  const parts: PartFact[] = []
  const files: KeptFile[] = []
  for (const [part, planned] of Object.entries(plan.files)) {
    if (planned.length === 0) continue
    const name = `${part}.age`
    const sources = planned.map(({ source }) => source)
    const { fact, packed } = await packer.pack({ out: join(draft, name), name, sources }, told)
    parts.push(fact)
    let offset = 0
    for (const [index, { root, path, mode, before }] of planned.entries()) {
      const piece = { backup: id, part: name, offset, ...(packed[index] as PackedPart['packed'][number]) }
      offset += piece.bytes
      files.push({ root, path, mode, pieces: before.length > 0 && piece.bytes === 0 ? before : [...before, piece] })
    }
  }
  const { madeAt, about } = plan
  const contents: Contents = { format: 'portcullis-backup-contents-1', id, madeAt, ...about, files }
  const text = JSON.stringify(contents)
  const job = { out: join(draft, CONTENTS_PART), name: CONTENTS_PART, sources: [{ text }] }
  parts.push((await packer.pack(job, told)).fact)
  return { manifest: manifestOf(plan, id, parts), contents }
}

/** Name of the part that lists all others. */
export const CONTENTS_PART = 'contents.age'

function manifestOf(
  { madeAt, program, base, privateKeys, packer, signer }: BackupPlan,
  id: string,
  parts: readonly PartFact[],
): Manifest {
  return {
    format: 'portcullis-backup-1',
    ...{ id, madeAt, program, parts, privateKeys, sealedFor: packer.kinds, key: signer.keyId },
    ...(base && { base }),
    publicKey: signer.publicKey.export({ type: 'spki', format: 'der' }).toString('base64url'),
  }
}

const writeWhole = (file: string, content: string | Uint8Array): Promise<void> =>
  writeFile(file, content, { mode: 0o600, flag: 'wx', flush: true })

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
