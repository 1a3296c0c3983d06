import { close, constants, fdatasync, fstatSync, ftruncate, fsync, open, statSync, write } from 'node:fs'
import { promisify } from 'node:util'

/**
 * A file to which bytes can only be added, durable when the promise resolves.
 *
 * On Linux the file is opened with O_DSYNC, so that one operation of the thread pool writes and syncs; measured against
 * write and fdatasync that saves a hand-over and a fifth of the CPU of a commit. Elsewhere O_DSYNC is missing or does
 * not reach the disk, so there it is write and fdatasync.
 */
export interface AppendFile {
  /** Resolves when all `bytes` are on the disk, under the name of the file. After a rejection nothing is known about its end. */
  append(bytes: Buffer): Promise<void>
  /** Cuts the file to `length` bytes, durably. Rejects when it is shorter: what was acknowledged is not there any more. */
  truncate(length: number): Promise<void>
  close(): Promise<void>
}

/** Opens or creates the file, mode 0600, and makes its name durable in `directory`. */
export type OpenAppendFile = (directory: string, name: string) => Promise<AppendFile>

/** What is asked of the operating system, so that a test can let each step fail. */
export interface FileSystem {
  open(path: string, flags: number, mode?: number): Promise<number>
  /** Resolves with how many bytes were taken, which may be fewer. */
  write(file: number, bytes: Buffer, offset: number): Promise<number>
  fsync(file: number): Promise<void>
  fdatasync(file: number): Promise<void>
  ftruncate(file: number, length: number): Promise<void>
  close(file: number): Promise<void>
  /** Of the open file, and of whatever has the name now; undefined when nothing has. */
  factsOf(file: number): FileFacts
  factsAt(path: string): FileFacts | undefined
}

export interface FileFacts {
  readonly dev: number
  readonly ino: number
  readonly size: number
}

const ON_DISK: FileSystem = {
  open: promisify(open),
  write: (file, bytes, offset) =>
    new Promise((resolve, reject) =>
      write(file, bytes, offset, bytes.length - offset, null, (error, written) =>
        error ? reject(error) : resolve(written),
      ),
    ),
  fsync: promisify(fsync),
  fdatasync: promisify(fdatasync),
  ftruncate: promisify(ftruncate),
  close: promisify(close),
  factsOf: (file) => fstatSync(file),
  factsAt: (path) => statSync(path, { throwIfNoEntry: false }),
}

const writesAreDurable = process.platform === 'linux'
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (writesAreDurable ? constants.O_DSYNC : 0)

/** The file was removed, moved or replaced while it was open: what is written goes where nobody will look. */
export class FileGone extends Error {
  override readonly name = 'FileGone'

  constructor(path: string) {
    super(`${path} was removed, moved or replaced while it was written`)
  }
}

export function appendFiles(system: FileSystem): OpenAppendFile {
  return async (directory, name) => {
    const path = `${directory}/${name}`
    const file = await system.open(path, FLAGS, 0o600)
    const opened = system.factsOf(file)
    try {
      await syncFolder(system, directory)
    } catch (error) {
      await system.close(file).catch(() => undefined)
      throw error
    }
    return {
      async append(bytes) {
        await writeAll(system, file, bytes)
        if (!writesAreDurable) await system.fdatasync(file)
        // After the write, because the server of a network folder has then just answered: this waits for nothing.
        mustHaveItsName(system, opened, path)
      },
      async truncate(length) {
        // A longer length would fill up with zeros what somebody else has taken away.
        if (system.factsOf(file).size < length) throw new FileGone(path)
        await system.ftruncate(file, length)
        await system.fsync(file)
      },
      close: () => system.close(file),
    }
  }
}

export const openAppendFile: OpenAppendFile = appendFiles(ON_DISK)

/** What a test builds its failing file systems upon. */
export const diskFileSystem: FileSystem = ON_DISK

/** A new name is durable only when its directory is. Windows has no such call and needs none. */
export const syncDirectory = (directory: string): Promise<void> => syncFolder(ON_DISK, directory)

async function syncFolder(system: FileSystem, directory: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await system.open(directory, constants.O_RDONLY)
  try {
    await system.fsync(handle)
  } finally {
    await system.close(handle)
  }
}

/** Windows lets nobody take away a file that is open. */
function mustHaveItsName(system: FileSystem, opened: FileFacts, path: string): void {
  if (process.platform === 'win32') return
  const named = system.factsAt(path)
  if (named === undefined || named.ino !== opened.ino || named.dev !== opened.dev) throw new FileGone(path)
}

/** write(2) may take less than it was given, as it does just before a disk is full. */
async function writeAll(system: FileSystem, file: number, bytes: Buffer): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const written = await system.write(file, bytes, offset)
    if (written === 0) throw new Error('the disk takes nothing more')
    offset += written
  }
}
