/** How a command ends: the exit statuses and the error that carries one. */

/** Following sysexits where it has a word. */
export const EXIT = {
  ok: 0,
  findings: 1,
  usage: 2,
  config: 3,
  damaged: 65,
  absent: 66,
  unopened: 67,
  untrusted: 68,
  unavailable: 69,
  internal: 70,
  refused: 77,
  interrupted: 130,
} as const

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT]

/** For the reference and for `--help`. */
// biome-ignore format: one status a row
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok:          'Done; nothing was found wrong.',
  findings:    'Done; something was found: a broken chain, a failed policy test, a wall that does not hold.',
  usage:       'The command line is wrong.',
  config:      'The configuration or a policy is wrong; every mistake is told.',
  damaged:     'Bytes of a backup were changed, or some are not there.',
  absent:      'A part of a backup, or an earlier one that it continues, is not there.',
  unopened:    'The backup is sealed for others: no identity or passphrase that was named opens it.',
  untrusted:   'Nobody who is known has signed the backup, or its signature is not valid.',
  unavailable: 'Something that is needed is not there: a port, a folder, bubblewrap, a newer Portcullis.',
  internal:    'A mistake of Portcullis itself.',
  refused:     'The running gateway does not accept the key, or its role may not do this.',
  interrupted: 'Ended by SIGINT.',
}

/** Ends a command with a sentence for the operator on standard error. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly status: ExitStatus

  constructor(status: ExitStatus, sentence: string, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause })
    this.status = status
  }
}
