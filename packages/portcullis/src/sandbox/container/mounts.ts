/** Listed paths as mounts of a container, and the proof that what was mounted is what was checked. */
import { statSync, fstatSync } from 'node:fs'
import { Fault } from '../../core/fault.ts'
import { masksFor, type PinnedPath } from '../bind.ts'
import type { EngineName } from './engine.ts'

/**
 * Flags of the engine. Throws `sandbox.start_failed` for a path that its form of a mount cannot hold. A tmpfs of podman
 * would begin with a copy of what it hides.
 */
export function mountFlags(
  engine: EngineName,
  pinned: readonly PinnedPath[],
  hidden: readonly string[],
): readonly string[] {
  const empty = `ro,nosuid,nodev,size=4096,mode=0${engine === 'podman' ? ',notmpcopyup' : ''}`
  return [
    ...pinned.map(({ source, destination, access }) => bind(source, destination, access === 'read-only')),
    ...masksFor(pinned, hidden).map(({ path, kind }) =>
      kind === 'file' ? bind('/dev/null', path, true) : `--tmpfs=${plain(path)}:${empty}`,
    ),
  ]
}

/**
 * The engine mounts by name, so a name that was swapped after the check would show another file. Here each mount is
 * compared with the descriptor that was checked. Throws `sandbox.start_failed` with `detail.path`.
 */
export function confirmMounts(pinned: readonly PinnedPath[], initPid: number): void {
  for (const { descriptor, destination } of pinned) {
    const checked = fstatSync(descriptor, { bigint: true })
    const mounted = statSync(`/proc/${initPid}/root${destination}`, { bigint: true, throwIfNoEntry: false })
    if (mounted?.dev === checked.dev && mounted.ino === checked.ino) continue
    throw new Fault('sandbox.start_failed', { path: destination, reason: 'the path changed while it was mounted' })
  }
}

function bind(source: string, destination: string, readOnly: boolean): string {
  return `--mount=type=bind,src=${plain(source)},dst=${plain(destination)}${readOnly ? ',ro' : ''}`
}

/** The form is a line of comma-separated values, and that of a tmpfs ends the path at a colon. */
function plain(path: string): string {
  if (!/[,":\r\n]/.test(path)) return path
  throw new Fault('sandbox.start_failed', {
    path,
    reason: 'a container takes no comma, colon, quote or line break in a path',
  })
}
