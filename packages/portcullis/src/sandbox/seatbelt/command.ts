/** The command line of one launch: sandbox-exec → limits → command. The limits are set inside, where nothing is trusted. */
import type { Limits } from '../driver.ts'

export interface SeatbeltTools {
  readonly sandboxExec: string
  readonly sh: string
}

/** POSIX: `ulimit -f` counts in these. */
const BLOCK_BYTES = 512

/**
 * RLIMIT_AS limits nothing on macOS, and RLIMIT_NPROC counts all processes of the user, so both are left alone. A limit
 * that cannot be set ends the launch.
 */
const SCRIPT = 'ulimit -c 0 && ulimit -n "$1" && ulimit -f "$2" && shift 2 && exec "$@"'

export function seatbeltCommand(
  tools: SeatbeltTools,
  profile: string,
  limits: Pick<Limits, 'openFiles' | 'fileBytes'>,
  command: readonly string[],
): readonly string[] {
  const blocks = Math.max(1, Math.floor(limits.fileBytes / BLOCK_BYTES))
  return [
    ...[tools.sandboxExec, '-f', profile],
    ...[tools.sh, '-c', SCRIPT, 'limits', `${limits.openFiles}`, `${blocks}`],
    ...command,
  ]
}
