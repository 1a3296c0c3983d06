/** Decides what a record says of a call, whichever kind of record it is. */
import type { AuditRecord, CredentialName } from '../record.ts'
import { type ExportEvent, nameOfTarget } from './event.ts'

/** Each member only where it is known. */
export interface Call {
  readonly principal?: string | undefined
  readonly credential?: CredentialName | undefined
  readonly address?: string | undefined
  readonly upstream?: string | undefined
  readonly method?: string | undefined
  readonly target?: string | undefined
  readonly policies?: readonly string[] | undefined
  readonly revision?: string | undefined
  readonly isDenied?: boolean
}

type Told = Partial<Extract<AuditRecord, { kind: 'refusal' }>>

/** An outcome says of itself only how it ended: the rest is that of its call. */
export function callOf({ record, call }: Pick<ExportEvent, 'record' | 'call'>): Call {
  const told = (record.kind === 'outcome' ? (call ?? {}) : record) as Told
  return {
    principal: told.principal,
    credential: told.credential,
    address: told.address,
    upstream: told.upstream,
    method: told.method,
    target: told.target && nameOfTarget(told.target),
    policies: told.decision?.policies,
    revision: told.decision?.revision,
    isDenied: told.decision?.effect === 'deny',
  }
}
