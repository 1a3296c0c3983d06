/** What commands ask of the administration, and how its refusals become sentences and exit statuses. */
import type { FaultCode } from '../core/fault.ts'
import { CommandError, EXIT, type ExitStatus } from './exit.ts'
import { printable } from './terminal.ts'

export interface AdminRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below `/admin/v1`, with its names encoded; see `at`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: object
  /** Revision that is to be changed. */
  readonly ifMatch?: string
}

export interface AdminReply {
  readonly status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- each command knows the document that it asks for
  readonly document: Readonly<Record<string, any>>
}

/** Sends one request, to a running gateway or to the store of one that does not run. Rejects with CommandError. */
export type AdminSend = (request: AdminRequest) => Promise<AdminReply>

/** A path with names in it that may hold anything. */
export const at = (parts: TemplateStringsArray, ...names: readonly string[]): string =>
  parts.map((part, index) => part + (names[index] === undefined ? '' : encodeURIComponent(names[index]))).join('')

/** What a refusal leads to, by its code; everything else is not available. */
const STATUSES: Partial<Readonly<Record<FaultCode, ExitStatus>>> = {
  'message.invalid_params': EXIT.usage,
  'administration.refused': EXIT.usage,
  'administration.conflict': EXIT.findings,
  'administration.changed': EXIT.findings,
  'definition.changed': EXIT.findings,
  'transport.not_found': EXIT.findings,
  'policy.denied': EXIT.refused,
  'identity.insufficient_scope': EXIT.refused,
  'administration.unavailable': EXIT.usage,
}

/** The document of an answer. Throws CommandError for a refusal; `missing` is said of what is not there. */
export function documentOf({ status, document }: AdminReply, missing: string): AdminReply['document'] {
  if (status < 400) return document
  const { message = '', data = {} } = (document['error'] ?? {}) as { message?: string; data?: { code?: FaultCode } }
  const { code } = data
  if (status === 401)
    throw new CommandError(EXIT.refused, 'The gateway does not accept this key; name another with --key-file.')
  if (code === 'transport.not_found') throw new CommandError(EXIT.findings, missing)
  throw new CommandError(
    (code && STATUSES[code]) ?? EXIT.unavailable,
    printable(message) || `The answer was ${status}.`,
  )
}
