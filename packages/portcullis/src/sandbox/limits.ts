/** How the limits of one process become arguments of prlimit(1). */
import type { Limits } from './driver.ts'

/**
 * Limits that hold everywhere. RLIMIT_AS is left alone: Node reserves gigabytes of address space that it never touches.
 * No core dumps, because a dump of a server holds its secrets.
 */
export function generalLimits(limits: Limits): readonly string[] {
  return [
    '--core=0',
    `--nofile=${limits.openFiles}`,
    `--fsize=${limits.fileBytes}`,
    '--memlock=1048576',
    '--msgqueue=0',
    ...(limits.dataBytes === undefined ? [] : [`--data=${limits.dataBytes}`]),
  ]
}

/** Each waiting signal and each timer of POSIX is memory of the kernel. */
const SIGNALS = 1024

/**
 * What is set inside the sandbox, in one step. RLIMIT_NPROC and RLIMIT_SIGPENDING count per user and user namespace: set
 * outside, they would count the user's other processes and stop the sandbox itself from starting.
 */
export function insideLimits(limits: Limits): readonly string[] {
  return [...generalLimits(limits), `--nproc=${limits.accountProcesses ?? limits.processes}`, `--sigpending=${SIGNALS}`]
}
