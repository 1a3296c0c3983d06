/**
 * How paths below a private directory, such as root's home, are shown to a process with another account.
 *
 * bwrap runs as that account and may not pass the private directory, even by descriptor. So root first binds each path
 * to a place in a mount namespace that nobody else sees, compares what it got with what was checked, and hands over.
 */
import { existsSync, fstatSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { Fault } from '../core/fault.ts'
import { isWithin, type PinnedPath } from './bind.ts'
import type { HostIdentity } from './driver.ts'
import { MOUNT_VOLUME, mountArguments } from './folders/mounted-volume.ts'
import type { ImageVolume } from './folders/volumes.ts'

export interface StageTools {
  readonly setpriv: string
  readonly unshare: string
  readonly sh: string
}

export interface Stage {
  /** Where each bind is found, in the order of the binds. */
  readonly paths: readonly string[]
  /** Where each volume is found, in the order of the volumes. */
  readonly volumes: readonly string[]
  /** What goes before the real command line. It must be started as root. */
  readonly argv: readonly string[]
}

/** Lost when the account changes, hence asked for again then. */
const UNTIL_GATEWAY_DIES = ['--pdeathsig', 'KILL']

/** Directories of every Linux; one that holds none of the paths is hidden by the stage. */
const PLACES = ['/mnt', '/media', '/srv', '/opt', '/tmp']

/**
 * Arguments: the place, then path and device:inode of each bind, `--`, what `MOUNT_VOLUME` takes for each volume, `--` and
 * the command to go on with.
 */
const SCRIPT = `
set -e
PATH=/usr/sbin:/usr/bin:/sbin:/bin
place=$1
shift
mount -t tmpfs -o size=1m,mode=755,nosuid,nodev stage "$place"
index=0
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir "$place/$index"; else : > "$place/$index"; fi
  mount --rbind -- "$1" "$place/$index"
  [ "$(stat -c %d:%i "$place/$index")" = "$2" ] || { echo "$1 changed while it was bound" >&2; exit 1; }
  shift 2
  index=$((index + 1))
done
shift
index=0
while [ "$1" != -- ]; do
  target=$place/volume$index
  mkdir "$target"
  ${MOUNT_VOLUME}  shift 3
  index=$((index + 1))
done
shift
exec "$@"
`

/**
 * A stage when a directory on the way to one of the paths is closed to the account, or when there are volumes to mount;
 * undefined when none is needed.
 */
export function buildStage(
  binds: readonly PinnedPath[],
  identity: HostIdentity | undefined,
  tools: StageTools,
  volumes: readonly ImageVolume[] = [],
): Stage | undefined {
  if (identity === undefined) return undefined
  if (volumes.length === 0 && binds.every(({ source }) => canReach(dirname(source), identity))) return undefined
  const sources = [...binds, ...volumes].map(({ source }) => source)
  const place = PLACES.find((path) => existsSync(path) && !sources.some((source) => isWithin(source, path)))
  if (place === undefined) throw new Fault('sandbox.start_failed', { reason: 'no directory is free for the stage' })
  return {
    paths: binds.map((_, index) => `${place}/${index}`),
    volumes: volumes.map((_, index) => `${place}/volume${index}`),
    argv: [
      ...[tools.setpriv, ...UNTIL_GATEWAY_DIES, '--', tools.unshare, '--mount', '--'],
      ...[tools.sh, '-c', SCRIPT, 'stage', place],
      ...binds.flatMap(({ source, descriptor }) => [source, fileIdentity(descriptor)]),
      ...['--', ...volumes.flatMap(mountArguments)],
      ...['--', ...changingAccount(tools.setpriv, identity)],
    ],
  }
}

/** What goes before a command line that root starts for another account. */
export function changingAccount(setpriv: string, { uid, gid }: HostIdentity): readonly string[] {
  return [setpriv, '--reuid', `${uid}`, '--regid', `${gid}`, '--clear-groups', ...UNTIL_GATEWAY_DIES, '--']
}

function fileIdentity(descriptor: number): string {
  const { dev, ino } = fstatSync(descriptor, { bigint: true })
  return `${dev}:${ino}`
}

/** By mode alone. Where an access list says more, the stage is used without need; where it says less, bwrap refuses. */
function canReach(directory: string, identity: HostIdentity): boolean {
  const { uid, gid, mode } = statSync(directory)
  const bit = uid === identity.uid ? 0o100 : gid === identity.gid ? 0o010 : 0o001
  return (mode & bit) !== 0 && (directory === '/' || canReach(dirname(directory), identity))
}
