/** Which paths of a Mac may be shown, and what they really are. */
import { lstatSync, realpathSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { type Access, isWithin } from '../bind.ts'
import type { ShownPath } from './profile.ts'

/** Trees of the kernel, of daemons and their sockets, and of keys. Written as they are behind the links of /. */
const NEVER = ['/dev', '/private/var/run', '/private/var/db', '/private/var/root', '/Library/Keychains', '/Volumes']
const NEVER_WRITABLE = ['/System', '/Library', '/Applications', '/usr', '/bin', '/sbin', '/private/etc', '/opt']
const NEVER_WHOLE = ['/', '/Users', '/private', '/private/var', '/private/tmp', '/private/var/folders', '/opt']
/** Below a home: they hold keys, or start programs when the user signs in. */
const PRIVATE_OF_HOME = /^\/Users\/[^/]+(?:\/(?:\.ssh|\.gnupg|\.aws|Library(?:\/Keychains|\/LaunchAgents)?))?$/

/**
 * Resolves and checks a path; `hidden` are real paths of the gateway that nothing may lie in.
 * Throws `sandbox.start_failed` with `detail.path` and `detail.reason`.
 */
export function checkShown(path: string, access: Access, hidden: readonly string[]): ShownPath {
  if (!isAbsolute(path) || path.includes('\0')) refuse(path, 'the path is not absolute')
  const real = realOf(path)
  if (NEVER_WHOLE.includes(real) || PRIVATE_OF_HOME.test(real)) refuse(path, 'this folder is too much to show')
  if (NEVER.some((tree) => isWithin(real, tree))) refuse(path, 'this tree belongs to the system')
  if (hidden.some((tree) => isWithin(real, tree))) refuse(path, 'this path belongs to the gateway itself')
  if (access === 'read-write' && NEVER_WRITABLE.some((tree) => isWithin(real, tree))) {
    refuse(path, 'this tree of the system cannot be writable')
  }
  const found = lstatSync(real)
  if (!found.isDirectory() && !found.isFile()) refuse(path, 'the path is not a file or a directory')
  return { path: real, kind: found.isDirectory() ? 'folder' : 'file' }
}

function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return refuse(path, 'the path does not exist')
  }
}

function refuse(path: string, reason: string): never {
  throw new Fault('sandbox.start_failed', { path, reason })
}
