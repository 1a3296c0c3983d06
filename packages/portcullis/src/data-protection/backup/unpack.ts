/** Opens one sealed part and hands out the runs in it that are wanted, each held against its digest. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { BackupError } from './backup-error.ts'
import type { PartFact } from './manifest.ts'
import type { ByteStream } from './seal.ts'

/** A run of the opened part. */
export interface WantedRun {
  readonly offset: number
  readonly bytes: number
  readonly sha256: string
  /** Gets the bytes in their order. */
  readonly take: (chunk: Uint8Array) => Promise<void> | void
}

export interface UnpackJob {
  /** File of the part. */
  readonly file: string
  readonly fact: PartFact
  /** Named in sentences. */
  readonly place: string
  readonly open: (sealed: ByteStream, place: string) => Promise<ByteStream>
  /** They do not overlap. */
  readonly runs: readonly WantedRun[]
  readonly told?: ((bytes: number) => void) | undefined
}

const CHUNK_BYTES = 262_144

/** Throws BackupError unless the sealed file is as long as, and what, the manifest says. It needs no secret. */
export async function mustBeWhole(file: string, { bytes, sha256 }: PartFact, place: string): Promise<void> {
  const digest = createHash('sha256')
  let length = 0
  for await (const chunk of chunksOf(file, place)) {
    digest.update(chunk)
    length += chunk.length
  }
  if (length < bytes)
    throw new BackupError('cut-short', `${place}: it is cut short, ${length} of ${bytes} bytes are there.`)
  if (length > bytes || digest.digest('hex') !== sha256)
    throw new BackupError('changed', `${place}: its bytes are not those that the manifest names.`)
}

/** Rejects with BackupError, and with what `take` throws. */
export async function unpackPart(job: UnpackJob): Promise<void> {
  const { place, told } = job
  const runs = job.runs.toSorted((a, b) => a.offset - b.offset)
  const opened = await job.open(ReadableStream.from(chunksOf(job.file, place)), place)
  let at = 0
  let next = 0
  let digest = createHash('sha256')
  let taken = 0
  const reader = opened.getReader()
  try {
    for (;;) {
      // What follows the last wanted run is read too: only then the end of the part is proved.
      const { value, done } = await read(reader, place)
      if (done) break
      told?.(value.length)
      for (let start = 0; start < value.length; ) {
        const run = runs[next]
        if (run === undefined) break
        const skip = run.offset + taken - (at + start)
        if (skip >= value.length - start) break
        start += skip
        const slice = value.subarray(start, start + run.bytes - taken)
        digest.update(slice)
        await run.take(slice)
        taken += slice.length
        start += slice.length
        if (taken < run.bytes) continue
        mustMatch(digest.digest('hex'), run, place)
        digest = createHash('sha256')
        taken = 0
        next++
      }
      at += value.length
    }
  } finally {
    reader.releaseLock()
  }
  for (const run of runs.slice(next)) {
    if (run.bytes > 0)
      throw new BackupError('unsound', `${place}: it holds fewer bytes than its list of contents names.`)
    mustMatch(digest.digest('hex'), run, place)
    digest = createHash('sha256')
  }
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>, place: string) {
  try {
    return await reader.read()
  } catch (cause) {
    if (cause instanceof BackupError) throw cause
    throw new BackupError('changed', `${place}: what is sealed in it does not open to its end.`, cause)
  }
}

function mustMatch(found: string, { sha256 }: WantedRun, place: string): void {
  if (found !== sha256)
    throw new BackupError('unsound', `${place}: it does not hold the bytes that its list of contents names.`)
}

async function* chunksOf(path: string, place: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'ENOENT' ? new BackupError('absent', `${place}: it is missing.`, cause) : cause
  })
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES)
      if (bytesRead === 0) return
      yield chunk.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
