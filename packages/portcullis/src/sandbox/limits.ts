/** How the limits of one process become arguments of prlimit(1). */
import type { Limits } from './driver.ts'

/**
 * Limits that may be set before the sandbox exists. RLIMIT_AS is left alone: Node reserves gigabytes of address space
 * that it never touches. No core dumps, because a dump of a server holds its secrets.
 */
export function outerLimits(limits: Limits): readonly string[] {
  return [
    '--core=0',
    `--nofile=${limits.openFiles}`,
    `--fsize=${limits.fileBytes}`,
    '--memlock=1048576',
    '--msgqueue=0',
    ...(limits.dataBytes === undefined ? [] : [`--data=${limits.dataBytes}`]),
  ]
}

/**
 * RLIMIT_NPROC counts per user and user namespace. Set outside, it would count the user's other processes and stop the
 * sandbox itself from starting; set inside the new namespace, it counts exactly the sandboxed tree.
 */
export function innerLimits(limits: Limits): readonly string[] {
  return [`--nproc=${limits.processes}`]
}
