/**
 * The step before bwrap: it joins the control groups, and mounts the private file systems with a limit of files, which
 * bwrap has no option for.
 *
 * It runs with the account of the sandbox, in namespaces of its own. bwrap makes the sandbox's namespaces inside those,
 * so nothing of the cell can be reached from the sandbox, and it ends with it.
 */
import type { Limits } from './driver.ts'

export interface CellTools {
  readonly unshare: string
  readonly sh: string
  /** Undefined on a host without one, where bwrap makes the private file systems. */
  readonly mount: string | undefined
}

/** Paths of the private file systems, as bwrap sees them. */
export interface PrivatePlaces {
  readonly tmp: string
  readonly home: string
  readonly sharedMemory: string
}

export interface CellInput {
  /** Descriptors of one digit: a shell can name no others. */
  readonly doors: readonly number[]
  /** A descriptor of `tableText` in a file, of one digit; undefined: bwrap makes the file systems. */
  readonly table: number | undefined
  readonly tools: CellTools
}

export const SHARED_MEMORY_BYTES = 16 << 20

/** Directories that every kernel has and that can be bound into no sandbox, so that hiding them hides nothing. */
export const PLACES: PrivatePlaces = { tmp: '/sys/class', home: '/sys/module', sharedMemory: '/sys/block' }

/**
 * Watchers of files are counted for each account, and a gateway that is not root shares its own with its sandboxes: one
 * of them could take all. Its namespace gets a share. Where settings of the kernel are read-only, nothing is shared out.
 */
const SHARES = Object.entries({ max_inotify_instances: 16, max_inotify_watches: 8192 }).map(
  ([name, most]) => `{ echo ${most} > /proc/sys/user/${name} || :; } 2>/dev/null`,
)

/** What goes before bwrap; empty when there is nothing to do. */
export function cellCommand({ doors, table, tools }: CellInput): readonly string[] {
  if (doors.length === 0 && table === undefined) return []
  const own = table === undefined ? [] : [tools.unshare, '--user', '--map-root-user', '--mount', '--']
  return [...own, tools.sh, '-c', script(doors, table), 'cell', tools.mount ?? '']
}

/** Each door is closed before bwrap starts: through it, a process could leave the group again. */
function script(doors: readonly number[], table: number | undefined): string {
  return [
    'mount=$1; shift',
    ...doors.map((door) => `echo 0 >&${door}`),
    ...(table === undefined ? [] : [...SHARES, `"$mount" -n -a -T /proc/self/fd/${table}`]),
    ['exec "$@"', ...[...doors, ...(table === undefined ? [] : [table])].map((number) => `${number}>&-`)].join(' '),
  ].join(' && ')
}

export type PrivateLimits = Pick<Limits, 'tmpBytes'> & { readonly tmpFiles: number }

/** What to mount, in the form of fstab(5). The file system's root counts as a file as well. */
export function tableText({ tmpBytes, tmpFiles }: PrivateLimits): string {
  const line = (place: string, bytes: number, mode: string) =>
    `private ${place} tmpfs size=${bytes},nr_inodes=${tmpFiles + 1},mode=${mode},nosuid,nodev 0 0\n`
  return [
    line(PLACES.tmp, tmpBytes, '1777'),
    line(PLACES.home, tmpBytes, '0700'),
    line(PLACES.sharedMemory, SHARED_MEMORY_BYTES, '1777'),
  ].join('')
}
