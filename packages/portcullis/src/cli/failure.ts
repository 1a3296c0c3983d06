/** Turns whatever a command threw into one clear sentence and an exit status. */
import { ConfigError } from '../config/problem.ts'
import { Fault } from '../core/fault.ts'
import { CommandError, EXIT } from './exit.ts'
import type { ExitStatus } from './exit.ts'

export interface Failure {
  readonly status: ExitStatus
  /** For standard error; may have several lines, one for each mistake. */
  readonly text: string
}

/** Errors that other rooms throw to operators are known by their names, so that a command loads no room to explain one. */
const SENTENCES: Readonly<Record<string, ExitStatus>> = {
  PolicyError: EXIT.config,
  LockError: EXIT.config,
  InspectionError: EXIT.config,
  SecretError: EXIT.config,
  SignatureKeyError: EXIT.config,
  ListsError: EXIT.config,
  RedisError: EXIT.unavailable,
  KeyServiceError: EXIT.unavailable,
  StoreError: EXIT.unavailable,
  PkiError: EXIT.unavailable,
  ChainInUse: EXIT.unavailable,
  ChainDamaged: EXIT.unavailable,
  AuditKeyError: EXIT.unavailable,
  WitnessError: EXIT.config,
  CursorDamaged: EXIT.unavailable,
}

/** What was wrong with a backup, by its code. */
const BACKUPS: Readonly<Record<string, ExitStatus>> = {
  changed: EXIT.damaged,
  'cut-short': EXIT.damaged,
  absent: EXIT.absent,
  'not-for-you': EXIT.unopened,
  untrusted: EXIT.untrusted,
  unsound: EXIT.findings,
  refused: EXIT.usage,
}

export function explainFailure(thrown: unknown): Failure {
  if (thrown instanceof CommandError) return { status: thrown.status, text: thrown.message }
  if (thrown instanceof ConfigError) return { status: EXIT.config, text: thrown.message }
  if (thrown instanceof Fault) return explainFault(thrown)
  if (!(thrown instanceof Error)) return { status: EXIT.internal, text: `internal error: ${String(thrown)}` }
  if (thrown.name === 'BackupError' && 'code' in thrown)
    return { status: BACKUPS[String(thrown.code)] ?? EXIT.internal, text: thrown.message }
  const status = SENTENCES[thrown.name] ?? SENTENCES[thrown.constructor.name]
  if (status !== undefined) return { status, text: thrown.message }
  const sentence = explainSystem(thrown)
  if (sentence !== undefined) return { status: EXIT.unavailable, text: sentence }
  return { status: EXIT.internal, text: `internal error: ${thrown.stack ?? thrown.message}` }
}

function explainFault(fault: Fault): Failure {
  const told = [fault.detail['reason'], fault.detail['mend']].filter((part) => typeof part === 'string')
  const status = fault.code === 'internal' ? EXIT.internal : EXIT.unavailable
  return { status, text: [fault.says.replace(/\.$/, ''), ...told].join('; ') }
}

// biome-ignore format: one error a row
const REMEDIES: Readonly<Record<string, (error: SystemError) => string>> = {
  EADDRINUSE:    ({ address, port }) => `Port ${port} on ${address} is taken; end what uses it, or choose another with --port or listen.port.`,
  EADDRNOTAVAIL: ({ address }) => `${address} is not an address of this machine; correct listen.host.`,
  EACCES:        ({ path, port }) => path === undefined ? `Port ${port} may not be opened by this user; choose one above 1023.` : `${path} may not be used by this user; let it own that path.`,
  EPERM:         ({ path }) => `${path} may not be used by this user; let it own that path.`,
  ENOENT:        ({ path }) => `${path} does not exist.`,
  ENOSPC:        ({ path }) => `There is no space left for ${path ?? 'the state folder'}.`,
  EROFS:         ({ path }) => `${path} is on a file system that cannot be written.`,
  ENOTDIR:       ({ path }) => `A part of ${path} is not a folder.`,
}

interface SystemError extends Error {
  readonly code?: string
  readonly path?: string
  readonly address?: string
  readonly port?: number
}

function explainSystem(error: SystemError): string | undefined {
  return error.code === undefined ? undefined : REMEDIES[error.code]?.(error)
}
