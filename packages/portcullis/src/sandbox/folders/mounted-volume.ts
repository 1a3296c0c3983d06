/**
 * How a volume is mounted, and how the gateway gets hold of it.
 *
 * It is mounted in the stage's mount namespace and nowhere else, so it goes when the last process of the sandbox goes,
 * whoever kills whom. What the gateway holds is a descriptor, which goes with the gateway.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { Fault } from '../../core/fault.ts'
import type { ImageVolume } from './volumes.ts'

const O_PATH = 0o10000000 // not among Node's constants; the same on x64 and arm64
/** `LOOP_MAJOR` of the kernel. */
const LOOP_MAJOR = 7

/**
 * A script of sh(1) with the arguments `image bytes uid:gid target`, to be run as root in the stage's mount namespace.
 *
 * The lock is held until the loop device shows, so that of two launches one sees the other. A device that is there
 * belongs to a sandbox that runs, or that has just ended. `mount` makes a device that goes with its mount. Descriptors are
 * left alone: those of one digit are taken.
 */
const MOUNT = `
set -e
tries=0
while [ -n "$(losetup -j "$1")" ]; do
  tries=$((tries + 1))
  [ "$tries" -le 100 ] || { echo "the volume $1 is in use" >&2; exit 1; }
  sleep 0.02
done
check() {
  found=$(e2fsck "$@" 2>&1) || [ $? -le 1 ] || { echo "the volume is damaged: $found" >&2; exit 1; }
}
check -p "$1"
if [ "$(stat -c %s "$1")" -lt "$2" ]; then
  check -f -p "$1"
  truncate -s "$2" "$1"
  resize2fs "$1" >/dev/null 2>&1
fi
mount -t ext4 -o loop,nosuid,nodev,noatime,discard,errors=remount-ro "$1" "$4"
[ "$(stat -c %u:%g "$4")" = "$3" ] || chown -hR "$3" "$4"
rmdir "$4/lost+found" 2>/dev/null || true
`

/** A command of sh(1) with the arguments `image bytes uid:gid`, which mounts at `$target`. It ends with a newline. */
export const MOUNT_VOLUME = `flock -w 5 -E 75 "$1" sh -c '${MOUNT}' volume "$1" "$2" "$3" "$target" || {
    [ $? -ne 75 ] || echo "the volume $1 is in use" >&2
    exit 1
  }
`

/** The arguments of `MOUNT_VOLUME`. */
export const mountArguments = ({ source, bytes, owner }: ImageVolume): readonly string[] => [
  source,
  `${bytes}`,
  `${owner.uid}:${owner.gid}`,
]

/**
 * Opens a volume as the sandbox sees it, once it stands and before its command runs. The mount stays readable for as
 * long as the descriptor is open, even when all processes are gone. Throws `sandbox.start_failed`.
 */
export function openVolume(initPid: number, { source, at }: ImageVolume): number {
  let descriptor: number | undefined
  try {
    descriptor = openSync(`/proc/${initPid}/root${at}`, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    const { dev } = fstatSync(descriptor)
    const [major, minor] = [majorOf(dev), minorOf(dev)]
    const backing = readFileSync(`/sys/dev/block/${major}:${minor}/loop/backing_file`, 'utf8').trimEnd()
    if (major !== LOOP_MAJOR || backing !== source) throw new Error('something else is mounted there')
    return descriptor
  } catch (cause) {
    if (descriptor !== undefined) closeSync(descriptor)
    const reason = `the volume is not where it belongs: ${(cause as Error).message}`
    throw new Fault('sandbox.start_failed', { path: at, reason }, { cause })
  }
}

/** As glibc packs device numbers; none of those that matter here has more than 32 bits. */
const majorOf = (device: number) => (device >>> 8) & 0xfff
const minorOf = (device: number) => (device & 0xff) | ((device >>> 12) & 0xfff00)
