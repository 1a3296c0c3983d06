/** Decides whether a file that was found, and that nobody has named, is the operator's own: another may have put it in the way. */
import { lstatSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'

const WRITTEN_BY_OTHERS = 0o022
const WRITTEN_BY_ALL = 0o002
const STICKY = 0o1000

/**
 * Whether the file, its folder and the links that lead there belong to this user or to root, and nobody else can write
 * them. `user` is undefined where files have no owners: then all are.
 */
export function isOwnFile(file: string, user = process.getuid?.()): boolean {
  if (user === undefined) return true
  const folder = statSync(dirname(file))
  const target = statSync(file)
  const isOwn = ({ uid }: Stats) => uid === user || uid === 0
  if (![folder, target, lstatSync(dirname(file)), lstatSync(file)].every(isOwn)) return false
  const isOpenFolder = (folder.mode & WRITTEN_BY_ALL) !== 0 && (folder.mode & STICKY) === 0
  return !isOpenFolder && (target.mode & WRITTEN_BY_OTHERS) === 0
}
