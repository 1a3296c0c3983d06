/** Which trace contexts of others are believed to be some: W3C Trace Context, level 1 and what level 2 adds, to the letter. */

/** The place in a trace that somebody else has told us of. */
export interface TraceContext {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string
  /** 16 lower-case hex digits, not all zero: the span of whoever calls. */
  readonly spanId: string
  /** Whether whoever calls says that it records. */
  readonly sampled: boolean
  /** `tracestate` as it goes on; empty where there is none that is valid. */
  readonly state: string
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)
const MAX_PARENT_LENGTH = 256
/** At least so much has to be passed on (§3.3.1.5); more is dropped whole, because a cut list means something else. */
const MAX_STATE_LENGTH = 512
const MAX_STATE_MEMBERS = 32
const SAMPLED = 1

const STATE_KEY = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/
const STATE_VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

/** What `traceparent` and `tracestate` say; undefined for anything that is not a valid `traceparent`. */
export function readTraceContext(parent: unknown, state: unknown): TraceContext | undefined {
  if (typeof parent !== 'string' || parent.length > MAX_PARENT_LENGTH) return undefined
  const match = TRACEPARENT.exec(parent)
  if (match === null) return undefined
  const [, version, traceId = '', spanId = '', flags = '', rest] = match
  if (version === 'ff' || traceId === NO_TRACE || spanId === NO_SPAN) return undefined
  // Version 00 ends here; a later one may go on after a dash (§3.2.4).
  if (version === '00' && rest !== undefined) return undefined
  const sampled = (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED
  return { traceId, spanId, sampled, state: validState(state) }
}

/** `traceparent` of a span of ours. */
export const traceparent = (traceId: string, spanId: string, sampled: boolean): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`

/** The list without empty members, or the empty string when any of it is not valid (§3.3.1). */
function validState(state: unknown): string {
  if (typeof state !== 'string' || state === '' || state.length > MAX_STATE_LENGTH) return ''
  const members = state
    .split(',')
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '')
  if (members.length > MAX_STATE_MEMBERS) return ''
  const keys = new Set<string>()
  for (const member of members) {
    const at = member.indexOf('=')
    const key = member.slice(0, at)
    if (at < 1 || keys.has(key) || !STATE_KEY.test(key) || !STATE_VALUE.test(member.slice(at + 1))) return ''
    keys.add(key)
  }
  return members.join(',')
}
