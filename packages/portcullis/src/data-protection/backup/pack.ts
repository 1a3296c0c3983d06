/** Writes one sealed part: files, or runs of them, one behind the other. It holds a few chunks at a time, whatever the size. */
import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { BackupError } from './backup-error.ts'
import type { PartFact } from './manifest.ts'
import { type SealFor, type Sealer, sealer } from './seal.ts'

/** What goes into a part: bytes at hand, a run of a file, or a whole one. */
export type Source =
  | { readonly text: string }
  | { readonly file: string; readonly from: number; readonly bytes: number }
  | { readonly file: string; readonly from: 0; readonly bytes: 'all' }

/** What one source became: its length, and its SHA-256 in lower-case hex. */
export interface Packed {
  readonly bytes: number
  readonly sha256: string
}

export interface PackJob {
  /** File of the part; it must not be there yet. */
  readonly out: string
  readonly name: string
  readonly sources: readonly Source[]
}

/** Hears how many bytes went in, chunk by chunk; what it returns is waited for. */
export type Told = (bytes: number) => void | Promise<void>

export interface PackedPart {
  readonly fact: PartFact
  /** In the order of the sources. */
  readonly packed: readonly Packed[]
}

const CHUNK_BYTES = 65_536
/** A disk that gets all of it at once lets the records of calls wait. */
const SYNC_BYTES = 8_388_608

/** Rejects with BackupError and with what the file system throws. */
export async function packPart(
  { out, name, sources }: PackJob,
  whom: SealFor | Sealer,
  told: Told = () => {},
): Promise<PackedPart> {
  const own = 'seal' in whom ? whom : sealer(whom)
  const packed: Packed[] = []
  const sealed = await own.seal(ReadableStream.from(plain(sources, packed, told)))
  const file = await open(out, 'wx', 0o600)
  const digest = createHash('sha256')
  let bytes = 0
  let unsynced = 0
  try {
    for await (const chunk of sealed) {
      digest.update(chunk)
      bytes += chunk.length
      await file.writeFile(chunk)
      unsynced += chunk.length
      if (unsynced < SYNC_BYTES) continue
      await file.datasync()
      unsynced = 0
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { fact: { name, bytes, sha256: digest.digest('hex') }, packed }
}

async function* plain(sources: readonly Source[], packed: Packed[], told: Told): AsyncGenerator<Uint8Array> {
  for (const source of sources) {
    const digest = createHash('sha256')
    let bytes = 0
    for await (const chunk of 'text' in source ? [Buffer.from(source.text)] : runOf(source)) {
      digest.update(chunk)
      bytes += chunk.length
      await told(chunk.length)
      yield chunk
    }
    packed.push({ bytes, sha256: (digest satisfies Hash).digest('hex') })
  }
}

async function* runOf({ file: path, from, bytes }: Exclude<Source, { text: string }>): AsyncGenerator<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
  try {
    let left = bytes === 'all' ? Number.POSITIVE_INFINITY : bytes
    for (let at = from; left > 0; ) {
      const chunk = await readAt(file, at, Math.min(CHUNK_BYTES, left))
      if (chunk.length === 0 && bytes === 'all') return
      if (chunk.length === 0)
        throw new BackupError('refused', `${path} became shorter while the backup was made; make it again.`)
      at += chunk.length
      left -= chunk.length
      yield chunk
    }
  } finally {
    await file.close()
  }
}

/** A buffer of its own: what is behind keeps it for a while. */
async function readAt(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const chunk = Buffer.allocUnsafe(bytes)
  const { bytesRead } = await file.read(chunk, 0, bytes, at)
  return chunk.subarray(0, bytesRead)
}
