/** Decides which file may hold the store: one that is ours alone. Digests and roles in it decide who gets in. */
import { accessSync, closeSync, constants, fstatSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { StoreError } from '../store-error.ts'

const CREATE = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)
const OTHERS = 0o077

/** Creates the file with mode 0600 if there is none. Throws a StoreError when it or its folder cannot serve. */
export function prepareStoreFile(path: string): void {
  const file = open(path)
  try {
    const { mode, uid } = fstatSync(file)
    if (process.platform === 'win32') return
    if ((mode & OTHERS) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0')
      throw new StoreError('too_open', `${path} has mode ${octal}; others must not have access: chmod 600 it.`)
    }
    if (uid !== process.geteuid?.()) throw new StoreError('too_open', `${path} belongs to another user.`)
  } finally {
    closeSync(file)
  }
}

/** The folder too has to be writable: the write-ahead log stands beside the file. */
function open(path: string): number {
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK)
    return openSync(path, CREATE, 0o600)
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new StoreError('unwritable', `The store ${path} cannot be opened for writing (${reason}).`, error)
  }
}
