/** How key files are written and read: whole or not at all, and for nobody but their owner. */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PkiError } from './pki-error.ts'

/** Any permission of group or others. */
const OTHERS = 0o077

/** Writes beside the target and renames, so that a crash leaves the old file or the new one. */
export function writeWhole(file: string, content: string | Uint8Array, mode: 0o600 | 0o644): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  // O_EXCL: never through a link that somebody has put there.
  const descriptor = openSync(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode)
  try {
    writeFileSync(descriptor, content)
    fsyncSync(descriptor)
  } catch (thrown) {
    rmSync(draft, { force: true })
    throw thrown
  } finally {
    closeSync(descriptor)
  }
  renameSync(draft, file)
  syncFolder(dirname(file))
}

/** As `writeWhole` where there is no such file yet; otherwise leaves it as it is. Of several at once one is first. */
export function writeFirst(file: string, content: string, mode: 0o600 | 0o644): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  writeWhole(draft, content, mode)
  try {
    linkSync(draft, file)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
  } finally {
    rmSync(draft, { force: true })
  }
  syncFolder(dirname(file))
}

/** As `writeWhole`, without holding up anything meanwhile; content in pieces is asked for one at a time. */
export async function writeWholeAside(
  file: string,
  content: string | Uint8Array | AsyncIterable<Uint8Array>,
  mode: 0o600 | 0o644,
): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(draft, content, { mode, flag: 'wx', flush: true })
    await rename(draft, file)
  } catch (thrown) {
    await rm(draft, { force: true })
    throw thrown
  }
}

/** Text of a key file. Throws PkiError when it is missing or when others can read it. */
export function readPrivate(file: string): string {
  const descriptor = open(file)
  try {
    const facts = fstatSync(descriptor)
    if (!facts.isFile()) throw new PkiError(`${file} is not a file`, 'name a regular file')
    if ((facts.mode & OTHERS) !== 0) {
      throw new PkiError(`the key ${file} can be read by others`, `run: chmod 600 ${file}`)
    }
    return readFileSync(descriptor, 'utf8')
  } finally {
    closeSync(descriptor)
  }
}

/** Text of a certificate file, which may be public. Throws PkiError when it cannot be read. */
export function readPublic(file: string): string {
  const descriptor = open(file)
  try {
    return readFileSync(descriptor, 'utf8')
  } finally {
    closeSync(descriptor)
  }
}

/** Creates a folder of mode 0700, or checks that an existing one has it. Throws PkiError. */
export function privateFolder(folder: string): void {
  try {
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) chmodSync(folder, 0o700)
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown'
    throw new PkiError(
      `the folder ${folder} cannot be made (${code})`,
      'let the user of the gateway write there',
      thrown,
    )
  }
  const facts = statSync(folder)
  if (!facts.isDirectory()) throw new PkiError(`${folder} is not a folder`, 'choose another place')
  if ((facts.mode & OTHERS) !== 0) {
    throw new PkiError(`the folder ${folder} is open to others`, `run: chmod 700 ${folder}`)
  }
}

function open(file: string): number {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown'
    if (code === 'ENOENT') throw new PkiError(`${file} does not exist`, 'name a file that does', thrown)
    throw new PkiError(`${file} cannot be read (${code})`, 'let the user of the gateway own it', thrown)
  }
}

/** Makes what was renamed in a folder survive a power cut. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, constants.O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
