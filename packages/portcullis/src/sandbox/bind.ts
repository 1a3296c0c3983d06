/**
 * Which paths of the host may be shown, and how they are held so that nobody swaps them between check and mount.
 *
 * A path is resolved, opened with O_PATH, and the name that the kernel gives back for the descriptor is the one that is
 * checked. bwrap gets the descriptor, and compares what it has mounted with it.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { isAbsolute, normalize } from 'node:path'
import { Fault } from '../core/fault.ts'
import { windowsDrives } from './wsl.ts'

const O_PATH = 0o10000000 // not among Node's constants; the same on x64 and arm64

export type Access = 'read-only' | 'read-write'

export interface PinnedPath {
  /** An O_PATH descriptor; whoever gets it closes it. */
  readonly descriptor: number
  /** Where it appears inside: the path as configured. */
  readonly destination: string
  /** What it really is on the host. */
  readonly source: string
  readonly access: Access
}

/** Trees that belong to the kernel and to daemons: sockets, devices and processes of the host. */
const NEVER = ['/proc', '/sys', '/dev', '/run', '/var/run', '/boot']
/** Trees of the system that the sandbox shows in its own way or that nothing inside may change. */
const NEVER_WRITABLE = ['/etc', '/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
/** Too much at once; what lies below may be listed. */
const NEVER_WHOLE = ['/', '/etc', '/var', '/tmp', '/home', '/root']

/**
 * Opens a path and checks what it really is. `hidden` are paths of the gateway itself that nothing may lie in.
 * Throws `sandbox.start_failed` with `detail.path` and `detail.reason`.
 */
export function pin(path: string, access: Access, hidden: readonly string[]): PinnedPath {
  if (!isAbsolute(path) || path.includes('\0')) refuse(path, 'the path is not absolute')
  const destination = withoutTrailingSlash(normalize(path))
  checkPlace(path, destination, access, hidden)
  const source = resolve(path)
  const descriptor = open(path, source)
  try {
    if (readlinkSync(`/proc/self/fd/${descriptor}`) !== source) refuse(path, 'the path changed while it was opened')
    const status = fstatSync(descriptor)
    if (!status.isDirectory() && !status.isFile()) refuse(path, 'the path is not a file or a directory')
    checkPlace(path, source, access, hidden)
    return { descriptor, destination, source, access }
  } catch (problem) {
    closeSync(descriptor)
    throw problem
  }
}

/**
 * Pins every path; where two ask for the same destination, the later one wins. Faults as `pin`; nothing stays open then.
 */
export function pinAll(
  requests: ReadonlyArray<{ readonly path: string; readonly access: Access }>,
  hidden: readonly string[],
): readonly PinnedPath[] {
  const pinned = new Map<string, PinnedPath>()
  try {
    for (const { path, access } of requests) {
      const bind = pin(path, access, hidden)
      const earlier = pinned.get(bind.destination)
      if (earlier !== undefined) closeSync(earlier.descriptor)
      pinned.set(bind.destination, bind)
    }
    return [...pinned.values()]
  } catch (problem) {
    for (const bind of pinned.values()) closeSync(bind.descriptor)
    throw problem
  }
}

export interface Mask {
  /** Path inside the sandbox. */
  readonly path: string
  readonly kind: 'directory' | 'file'
}

/** Where the gateway's own paths would show through a bound directory. */
export function masksFor(binds: readonly PinnedPath[], hidden: readonly string[]): readonly Mask[] {
  return binds.flatMap(({ source, destination }) =>
    hidden
      .filter((path) => path !== source && isWithin(path, source))
      .map((path) => ({
        path: destination + path.slice(source.length),
        kind: statSync(path).isDirectory() ? 'directory' : 'file',
      })),
  )
}

/** The real names of those paths that exist. Call it for each launch: the gateway makes some of them while it runs. */
export function realPaths(paths: readonly string[]): readonly string[] {
  return paths.filter((path) => existsSync(path)).map((path) => realpathSync(path))
}

/** True when `path` is `tree` or lies in it. Both are absolute and normalised. */
export function isWithin(path: string, tree: string): boolean {
  return path === tree || tree === '/' || path.startsWith(`${tree}/`)
}

function checkPlace(path: string, place: string, access: Access, hidden: readonly string[]): void {
  if (NEVER_WHOLE.includes(place)) refuse(path, 'this directory is too much to show; list what lies below it')
  if (NEVER.some((tree) => isWithin(place, tree))) refuse(path, 'this tree belongs to the kernel or to daemons')
  if (hidden.some((tree) => isWithin(place, tree))) refuse(path, 'this path belongs to the gateway itself')
  if (windowsDrives().some((tree) => isWithin(place, tree))) refuse(path, 'programs of Windows lie there')
  if (access === 'read-only') return
  if (NEVER_WRITABLE.some((tree) => isWithin(place, tree))) refuse(path, 'this tree of the system cannot be writable')
}

function resolve(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return refuse(path, 'the path does not exist')
  }
}

function open(path: string, source: string): number {
  try {
    return openSync(source, O_PATH | constants.O_NOFOLLOW)
  } catch {
    return refuse(path, 'the path cannot be opened')
  }
}

const withoutTrailingSlash = (path: string) => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)

function refuse(path: string, reason: string): never {
  throw new Fault('sandbox.start_failed', { path, reason })
}
