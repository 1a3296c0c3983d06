/**
 * The catalogue of attacks that the sandbox must hold against, run by the tests and by whoever doubts this host.
 *
 * Attacks find in their environment what `decoys.ts` has laid out: SECRET_FILE outside of all listed paths, WORKSPACE
 * read-write with a socket `daemon.sock` and a link `hostlink` to the secret, LIBRARY read-only with a file `book`,
 * GATEWAY_PID of a process of the host, LOOPBACK_PORT and ABSTRACT_NAME of listeners of the host, HOST_ADDRESS, VISIBLE
 * (all shown paths, each after a colon), and SCRATCH, an own folder below /tmp. TAKE_MIB may say how much memory is too much. The limits are those of `ATTACK_LIMITS`.
 */
import type { Attack } from './attack.ts'
import { ENVIRONMENT_ATTACKS } from './attacks/environment.ts'
import { FILE_ATTACKS } from './attacks/files.ts'
import { KERNEL_ATTACKS } from './attacks/kernel.ts'
import { NETWORK_ATTACKS } from './attacks/network.ts'
import { PROCESS_ATTACKS } from './attacks/processes.ts'
import { QUOTA_ATTACKS } from './attacks/quotas.ts'
import type { Limits } from './driver.ts'

/** Small enough that the attacks on quotas are quick. */
export const ATTACK_LIMITS: Limits = {
  memoryBytes: 256 << 20,
  processes: 64,
  openFiles: 256,
  fileBytes: 8 << 20,
  tmpBytes: 4 << 20,
  maxLineBytes: 64 << 10,
  maxStderrBytes: 64 << 10,
  stdinBacklogBytes: 1 << 20,
  outputBytesPerSecond: 1 << 20,
  lifeMs: 20_000,
}

/** Against a sandbox without a network. */
export const ATTACKS: readonly Attack[] = [
  ...FILE_ATTACKS,
  ...PROCESS_ATTACKS,
  ...KERNEL_ATTACKS,
  ...NETWORK_ATTACKS,
  ...ENVIRONMENT_ATTACKS,
  ...QUOTA_ATTACKS,
]
