/** Puts a series of backups together again, below folders that are there for nothing else. */
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BackupError } from './backup-error.ts'
import { type Contents, type KeptFile, parseContents, type Root } from './contents.ts'
import { mustBeComplete, type OpenedBackup } from './open-backup.ts'
import type { ByteStream } from './seal.ts'
import { unpackPart, type WantedRun } from './unpack.ts'
import { CONTENTS_PART } from './write-backup.ts'

/** Opens what is sealed; see `opener`. */
export type Open = (sealed: ByteStream, place: string) => Promise<ByteStream>

/** Where the files of each root go. What was elsewhere goes below `elsewhere`, under its former path. */
export type StageRoots = Readonly<Record<Root, string>>

const MAX_CONTENTS_BYTES = 268_435_456

/** The list of the last backup of a series, after the parts of all of them were found to be as signed. Rejects with BackupError. */
export async function contentsOf(series: readonly OpenedBackup[], openSealed: Open): Promise<Contents> {
  for (const backup of series) await mustBeComplete(backup)
  const last = series.at(-1) as OpenedBackup
  const fact = last.manifest.parts.find(({ name }) => name === CONTENTS_PART)
  const place = `${basename(last.folder)}/${CONTENTS_PART}`
  if (fact === undefined) throw new BackupError('unsound', `${basename(last.folder)}: it has no list of contents.`)
  if (fact.bytes > MAX_CONTENTS_BYTES) throw new BackupError('unsound', `${place}: it is too long.`)
  const chunks: Uint8Array[] = []
  const opened = await openSealed(ReadableStream.from(await bytesOf(join(last.folder, CONTENTS_PART))), place)
  for await (const chunk of opened) chunks.push(chunk)
  const contents = parseContents(Buffer.concat(chunks), place)
  const { id, madeAt } = last.manifest
  if (contents.id !== id || contents.madeAt !== madeAt)
    throw new BackupError('unsound', `${place}: it belongs to the backup ${contents.id}.`)
  mustBeFound(contents, series)
  return contents
}

async function bytesOf(path: string): Promise<readonly Uint8Array[]> {
  const file = await open(path, 'r')
  try {
    return [await file.readFile()]
  } finally {
    await file.close()
  }
}

/** No gap between the backups of a series: each run is in one of them. */
function mustBeFound({ files }: Contents, series: readonly OpenedBackup[]): void {
  const known = new Set(series.flatMap(({ manifest: { id, parts } }) => parts.map(({ name }) => `${id}/${name}`)))
  for (const { path, pieces } of files)
    for (const { backup, part } of pieces)
      if (!known.has(`${backup}/${part}`))
        throw new BackupError(
          'absent',
          `The bytes of ${path} are in the backup ${backup}, which does not belong to this series.`,
        )
}

/** Writes all files, each byte held against its digest, and on the disk when this resolves. Rejects with BackupError. */
export async function stage(
  series: readonly OpenedBackup[],
  contents: Contents,
  openSealed: Open,
  roots: StageRoots,
  told?: (bytes: number) => void,
): Promise<void> {
  for (const { root, path, mode } of contents.files) {
    const target = targetOf(roots, { root, path })
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    await (await open(target, 'wx', mode & 0o777)).close()
  }
  for (const { folder, manifest } of series) {
    for (const fact of manifest.parts) {
      const runs = runsOf(contents.files, manifest.id, fact.name)
      if (runs.length === 0) continue
      const writer = new Writer(roots)
      try {
        const wanted = runs.map((run): WantedRun => ({ ...run.piece, take: (chunk) => writer.write(run, chunk) }))
        const place = `${basename(folder)}/${fact.name}`
        await unpackPart({ file: join(folder, fact.name), fact, place, open: openSealed, runs: wanted, told })
      } finally {
        await writer.close()
      }
    }
  }
}

const targetOf = (roots: StageRoots, { root, path }: Pick<KeptFile, 'root' | 'path'>): string => join(roots[root], path)

interface Run {
  readonly file: KeptFile
  /** Where in the file it begins. */
  readonly at: number
  readonly piece: KeptFile['pieces'][number]
}

function runsOf(files: readonly KeptFile[], backup: string, part: string): readonly Run[] {
  return files.flatMap((file) => {
    let at = 0
    return file.pieces.flatMap((piece) => {
      const run = { file, at, piece }
      at += piece.bytes
      return piece.backup === backup && piece.part === part ? [run] : []
    })
  })
}

/** One file at a time is open: the runs of a part come file by file. */
class Writer {
  readonly #roots: StageRoots
  #run: Run | undefined
  #handle: FileHandle | undefined
  #at = 0

  constructor(roots: StageRoots) {
    this.#roots = roots
  }

  async write(run: Run, chunk: Uint8Array): Promise<void> {
    if (this.#run !== run) {
      await this.close()
      this.#run = run
      this.#handle = await open(targetOf(this.#roots, run.file), 'r+')
      this.#at = run.at
    }
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await (this.#handle as FileHandle).write(
        chunk,
        written,
        chunk.length - written,
        this.#at,
      )
      written += bytesWritten
      this.#at += bytesWritten
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    this.#run = undefined
    if (handle === undefined) return
    await handle.sync()
    await handle.close()
  }
}
