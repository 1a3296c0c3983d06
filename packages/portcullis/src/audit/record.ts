import type { AlertBody } from './alert.ts'
import type { Credential } from '../core/principal.ts'
import type { Decision } from '../core/decision.ts'
import type { Target } from '../mcp/call.ts'
import type { Era } from '../mcp/message.ts'
import type { KeyBody } from './key-body.ts'

/**
 * What an audit record can say. Arguments and results are never in it, only digests; credentials only by their public id.
 *
 * The members stand in the order in which they are written, because the line is hashed as it stands.
 */

/** Written before the upstream is reached. */
export interface CallBody {
  readonly kind: 'call'
  readonly incident: string
  readonly principal?: string
  readonly credential?: CredentialName
  readonly address: string
  readonly upstream?: string
  /** Empty for a client's response to a server's request. */
  readonly method: string
  readonly target?: Target
  /** SHA-256, hex, over the canonical form (RFC 8785) of the arguments. */
  readonly arguments: string
  readonly era: Era
  readonly version: string
  readonly decision?: Decision
  readonly findings?: Findings
  /** The question by which a person approved this call. */
  readonly approval?: string
  /** Of the arguments, where they are kept. */
  readonly payload?: PayloadMark
}

/** Names a sealed payload beside the chain, so that one that is missing or was changed is found. */
export interface PayloadMark {
  /** Number of its line among the payloads of the chain. */
  readonly n: number
  /** SHA-256, hex, over that line as it stands, sealed. */
  readonly digest: string
  /** Length of the JSON text, before anything was cut off. */
  readonly bytes: number
  /** Only its beginning was kept. */
  readonly cut?: true
}

export type CredentialName = Pick<Credential, 'kind' | 'id'>

/** Written when the call has ended, before its answer leaves. */
export interface OutcomeBody {
  readonly kind: 'outcome'
  readonly incident: string
  readonly outcome: 'answered' | 'failed' | 'refused' | 'cancelled'
  /** HTTP status of the answer. */
  readonly status: number
  readonly durationMs: number
  /** Present and true when the answer is a JSON-RPC error or a tool result with `isError`. */
  readonly isError?: true
  /** Messages that preceded the answer on its stream; absent when there were none. */
  readonly streamed?: number
  /** Code of the fault table, when the gateway ended the call. */
  readonly code?: string
  readonly detail?: Detail
  /** Of the results, streamed ones included. */
  readonly findings?: Findings
  /** Of the result, where it is kept. */
  readonly payload?: PayloadMark
}

/** A request that was refused before any call record. One record tells all that was known by then. */
export interface RefusalBody {
  readonly kind: 'refusal'
  readonly incident: string
  readonly code: string
  readonly status: number
  readonly durationMs: number
  readonly address: string
  readonly http: { readonly method: string; readonly path: string }
  readonly principal?: string
  readonly credential?: CredentialName
  readonly upstream?: string
  readonly method?: string
  readonly target?: Target
  readonly era?: Era
  readonly version?: string
  readonly decision?: Decision
  readonly detail?: Detail
  readonly findings?: Findings
}

/** Signs everything up to and including the record before it. See `checkpoint.ts` for the signed statement. */
export interface CheckpointBody {
  readonly kind: 'checkpoint'
  readonly key: string
  /** Ed25519 (RFC 8032), base64url without padding. */
  readonly signature: string
}

/** The chain was opened by a gateway. `weaknesses` are the insecure settings that its configuration spells out. */
export interface StartBody {
  readonly kind: 'start'
  readonly program: string
  readonly weaknesses: readonly string[]
}

export interface StopBody {
  readonly kind: 'stop'
}

/** Something about the gateway itself changed, such as `key.created`. */
export interface ChangeBody {
  readonly kind: 'change'
  readonly what: string
  readonly by?: string
  readonly detail?: Detail
}

/** The end of the chain was repaired: what had never been acknowledged was cut off, `bytes` of it where that is known. */
export interface RecoveredBody {
  readonly kind: 'recovered'
  readonly cause: 'torn-line' | 'write-failed'
  readonly bytes?: number
}

/** Whose process it was that did something. */
export interface Doer {
  readonly upstream: string
  /** `gateway`: started to ask the upstream for what it offers, before anybody called. */
  readonly scope: 'principal' | 'tenant' | 'shared' | 'gateway'
  /** Present when the process is of one principal. */
  readonly principal?: string
  /** On the host, of its outermost process. */
  readonly pid: number
}

/** A confined process reached something, changed something, or was refused something. */
export interface AccessBody extends Doer {
  readonly kind: 'access'
  /** The call that was running when it began, when no other ran on this process until it was over. */
  readonly incident?: string
  readonly access: RecordedAccess
}

/** Names, addresses and sizes, never content. */
export type RecordedAccess =
  | {
      readonly kind: 'egress'
      readonly allowed: boolean
      readonly host: string
      readonly port: number
      readonly protocol: string
      readonly address?: string
      readonly reason?: string
      readonly sentBytes?: number
      readonly receivedBytes?: number
      readonly durationMs?: number
    }
  | {
      readonly kind: 'file'
      readonly change: 'created' | 'changed' | 'removed'
      readonly path: string
      readonly bytes?: number
      /** SHA-256, hex. */
      readonly digest?: string
    }
  | {
      readonly kind: 'refused'
      readonly wall: string
      readonly what: string
      /** It was met at some time in the last so many milliseconds; absent: at that moment. */
      readonly withinMs?: number
    }

/** Accesses of one process that were too many for a record each: how many of which sort, in `durationMs`. */
export interface AccessesBody extends Doer {
  readonly kind: 'accesses'
  readonly durationMs: number
  /** Such as `egress refused`, `file created`, `refused memory`. Each sort is counted by itself, so none hides another. */
  readonly counts: Readonly<Record<string, number>>
}

/** A process of an upstream began, or it ended with everything that it had started. */
export interface ProcessBody extends Doer {
  readonly kind: 'process'
  readonly event: 'started' | 'ended'
  readonly driver: string
  /** What held its limits on this host. */
  readonly enforcement?: Detail
  /** Why it ended, such as `exited`, `stopped`, `out-of-memory`, `idle-deadline`. */
  readonly reason?: string
  readonly code?: number | null
  readonly signal?: string | null
  readonly durationMs?: number
  /** What it had used by then, as far as the host tells. */
  readonly usage?: Detail
}

/** What an inspection saw; bounded in number and length where it is made. Its evidence leaves the gateway nowhere else. */
export type Findings = readonly RecordedFinding[]

export interface RecordedFinding {
  /** JSON pointer (RFC 6901) into the arguments or the result. */
  readonly at: string
  /** Role of the argument, or `result`. */
  readonly place: string
  readonly family: string
  readonly weight: string
  /** Such as `sql.stacked-statement`. */
  readonly reason: string
  /** What followed: `annotate`, `mask`, `ask`, `refuse`. */
  readonly verdict: string
  /** The verdict was not carried out: the upstream or the tool is watched only. */
  readonly shadow?: true
  /** Decoding in which it was seen. */
  readonly view?: string
  readonly evidence: string
}

/** A person was asked about a call, or has answered. That it was then executed, the call's own record says. */
export interface ApprovalBody {
  readonly kind: 'approval'
  readonly event: 'proposed' | 'decided'
  /** Of the exchange that asked or brought the answer. */
  readonly incident: string
  /** The question; the same in both records and in that of the call. */
  readonly approval: string
  readonly principal?: string
  readonly upstream?: string
  readonly target?: Target
  /** SHA-256, hex, over the canonical form (RFC 8785) of the arguments that the person saw. */
  readonly arguments: string
  readonly answer?: 'accepted' | 'declined' | 'expired' | 'unable'
}

export type Detail = Readonly<Record<string, unknown>>

export type RecordBody =
  | CallBody
  | OutcomeBody
  | RefusalBody
  | CheckpointBody
  | KeyBody
  | StartBody
  | StopBody
  | ChangeBody
  | RecoveredBody
  | AccessBody
  | AccessesBody
  | ProcessBody
  | ApprovalBody
  | AlertBody

/** A record as it stands in the file. */
export type AuditRecord = {
  /** Counts from 1 without a gap. */
  readonly seq: number
  /** `hash` of the record before; 64 zeros for the first. */
  readonly prev: string
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly tenant: string
} & RecordBody & { readonly hash: string }

/** Where a chain stands: its last record. */
export interface Position {
  readonly sequence: number
  readonly hash: string
}

/** Where every chain begins. */
export const GENESIS: Position = { sequence: 0, hash: '0'.repeat(64) }

/** The chain of what belongs to no tenant: the gateway's own events and requests refused before anybody was known. */
export const GATEWAY_TENANT = '@gateway'
