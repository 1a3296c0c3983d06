/**
 * Everything the gateway can refuse, in one table.
 *
 * `status` is the HTTP status, `rpc` the JSON-RPC error code, `says` the sentence that a caller reads. Codes are stable:
 * audit records, documents and tests name them. Our own JSON-RPC codes equal the HTTP status, because the range
 * -32768…-32000 belongs to JSON-RPC and to MCP (MCP 2026-07-28, "Error Codes").
 */
// biome-ignore format: one fault a row
export const FAULTS = {
  // transport
  'transport.not_found':          { status: 404, rpc: 404, says: 'There is nothing at this path.' },
  'transport.method_not_allowed': { status: 405, rpc: 405, says: 'This method is not allowed here.' },
  'transport.not_acceptable':     { status: 406, rpc: 406, says: 'Accept must include application/json and text/event-stream.' },
  'transport.unsupported_media':  { status: 415, rpc: 415, says: 'Content-Type must be application/json.' },
  'transport.ambiguous_request':  { status: 400, rpc: 400, says: 'The request headers are ambiguous.' },
  'transport.starting':           { status: 503, rpc: 503, says: 'The gateway is starting; please retry.' },
  'transport.draining':           { status: 503, rpc: 503, says: 'The gateway is shutting down; please retry.' },

  // traffic
  'traffic.address_blocked':      { status: 403, rpc: 403, says: 'Not allowed from this address.' },
  'traffic.caller_blocked':       { status: 403, rpc: 403, says: 'This caller is blocked.' },
  'traffic.target_blocked':       { status: 403, rpc: 403, says: 'This is blocked at the moment.' },
  'traffic.host_refused':         { status: 403, rpc: 403, says: 'This Host is not served here.' },
  'traffic.origin_refused':       { status: 403, rpc: 403, says: 'This Origin is not allowed.' },
  'traffic.rate_limited':         { status: 429, rpc: 429, says: 'Too many requests; please retry later.' },
  'traffic.unavailable':          { status: 503, rpc: 503, says: 'Limits cannot be checked at the moment; please retry later.' },
  'traffic.shed':                 { status: 503, rpc: 503, says: 'The gateway is busy; please retry later.' },

  // identity: one sentence for every way to fail, so that nobody learns which part was right
  'identity.missing':             { status: 401, rpc: 401, says: 'Authentication is required.' },
  'identity.malformed':           { status: 401, rpc: 401, says: 'Authentication is required.' },
  'identity.unknown_key':         { status: 401, rpc: 401, says: 'Authentication is required.' },
  'identity.invalid_token':       { status: 401, rpc: 401, says: 'Authentication is required.' },
  'identity.wrong_audience':      { status: 401, rpc: 401, says: 'Authentication is required.' },
  'identity.expired':             { status: 401, rpc: 401, says: 'Authentication is required.' },
  'identity.revoked':             { status: 401, rpc: 401, says: 'Authentication is required.' },
  'identity.invalid_proof':       { status: 401, rpc: 401, says: 'Authentication is required.' },
  'identity.use_nonce':           { status: 401, rpc: 401, says: 'Authentication is required.' },
  'identity.certificate_refused': { status: 401, rpc: 401, says: 'Authentication is required.' },
  'identity.unbound':             { status: 401, rpc: 401, says: 'Authentication is required.' },
  'identity.token_in_query':      { status: 400, rpc: 400, says: 'Credentials must not be part of a URL.' },
  'identity.insufficient_scope':  { status: 403, rpc: 403, says: 'The credential lacks a required scope.' },
  'identity.sign_in_failed':      { status: 400, rpc: 400, says: 'This did not work.' },
  'identity.form_refused':        { status: 403, rpc: 403, says: 'This form was not sent from its page. Please start again.' },
  'identity.oauth_refused':       { status: 400, rpc: 400, says: 'The authorization server refuses this.' },
  'identity.unavailable':         { status: 503, rpc: 503, says: 'Authentication is temporarily unavailable.' },

  // signed messages
  'signature.required':           { status: 403, rpc: 403, says: 'This request has to be signed.' },
  'signature.refused':            { status: 403, rpc: 403, says: 'The signature of this request is not good.' },

  // message
  'message.too_large':            { status: 413, rpc: 413, says: 'The message is too large.' },
  'message.incomplete':           { status: 400, rpc: -32700, says: 'The message ended too early.' },
  'message.malformed':            { status: 400, rpc: -32700, says: 'The message is not valid JSON.' },
  'message.duplicate_key':        { status: 400, rpc: -32700, says: 'The message repeats a member name.' },
  'message.too_deep':             { status: 400, rpc: -32700, says: 'The message is nested too deeply.' },
  'message.unsafe_number':        { status: 400, rpc: -32700, says: 'The message contains a number that cannot be represented exactly.' },
  'message.invalid_utf8':         { status: 400, rpc: -32700, says: 'The message is not valid UTF-8.' },
  'message.forbidden_name':       { status: 400, rpc: -32700, says: 'The message contains a forbidden member name.' },
  'message.invalid':              { status: 400, rpc: -32600, says: 'The message is not a valid JSON-RPC request.' },
  'message.batch':                { status: 400, rpc: -32600, says: 'Batches are not supported.' },
  'message.invalid_params':       { status: 400, rpc: -32602, says: 'The parameters are not valid.' },
  'message.unknown_method':       { status: 404, rpc: -32601, says: 'Method not found.' },
  'message.header_mismatch':      { status: 400, rpc: -32020, says: 'A header does not match the message.' },
  'message.missing_capability':   { status: 400, rpc: -32021, says: 'The client did not declare a required capability.' },
  'message.unsupported_version':  { status: 400, rpc: -32022, says: 'Unsupported protocol version.' },

  // sessions of the 2025 revisions
  'session.required':             { status: 400, rpc: 400, says: 'A session is required: send initialize first.' },
  'session.unknown':              { status: 404, rpc: 404, says: 'Session not found.' },
  'session.too_many':             { status: 503, rpc: 503, says: 'Too many sessions; please close one and retry.' },
  'session.stream_taken':         { status: 409, rpc: 409, says: 'This session already has a stream.' },

  // arguments: answered as a tool result with isError (MCP "Error Handling"), see mcp/refusal.ts
  'arguments.invalid':            { status: 200, rpc: -32602, says: 'The arguments are not valid.' },
  'arguments.unavailable':        { status: 200, rpc: -32602, says: 'This tool is unavailable.' },

  // inspection: answered as a tool result too
  'inspection.refused':           { status: 200, rpc: -32602, says: 'The arguments look like an injection and were refused.' },
  'inspection.approval_required': { status: 200, rpc: -32602, says: 'This call needs the approval of a person.' },
  'inspection.not_approved':      { status: 200, rpc: -32602, says: 'This call was not approved.' },
  'inspection.result_refused':    { status: 502, rpc: 502, says: 'The result was refused by the inspection of results.' },

  // masking of secrets and personal data
  'masking.token_refused':        { status: 400, rpc: -32602, says: 'The arguments hold a token that was not made for this caller, or is not valid any more.' },
  'masking.arguments_refused':    { status: 400, rpc: -32602, says: 'The arguments hold data that this upstream may not get, and that cannot be masked in the form that the tool asks for.' },
  'masking.result_refused':       { status: 502, rpc: 502, says: 'The result holds data that this caller may not get, and that cannot be masked in the form that the outputSchema of the tool asks for.' },

  // policy: hidden equals unknown
  'policy.unknown_target':        { status: 200, rpc: -32602, says: 'Unknown tool, prompt or resource.' },
  'policy.denied':                { status: 403, rpc: 403, says: 'Not allowed by policy.' },
  'policy.failed':                { status: 403, rpc: 403, says: 'Not allowed by policy.' },

  // definitions: visible to the caller by policy, and still nothing that may be used now
  'definition.changed':           { status: 412, rpc: 412, says: 'What waits for approval, or the lock, has changed meanwhile. Read it again, then decide.' },
  'definition.quarantined':       { status: 403, rpc: 403, says: 'The definition of this is new or has changed; it waits for approval.' },

  // limits
  'limits.deadline':              { status: 504, rpc: 504, says: 'The deadline has passed.' },
  'limits.concurrency':           { status: 503, rpc: 503, says: 'Too many calls at once; please retry later.' },

  // what follows from unusual conduct
  'anomalies.blocked':            { status: 403, rpc: 403, says: 'This caller is blocked for a while, because it behaved unusually. An administrator can end that.' },
  'anomalies.throttled':          { status: 429, rpc: 429, says: 'This caller may do little for a while, because it behaved unusually. Please retry later.' },

  // state that the gateway sealed
  'state.invalid':                { status: 400, rpc: -32602, says: 'The request state is not valid.' },
  'state.expired':                { status: 400, rpc: -32602, says: 'The request state has expired.' },

  // upstream
  'upstream.unavailable':         { status: 502, rpc: 502, says: 'The upstream is not available.' },
  'upstream.resting':             { status: 503, rpc: 503, says: 'The upstream has failed too often and is left alone for a while; please retry later.' },
  'upstream.certificate_refused': { status: 502, rpc: 502, says: 'The upstream could not prove who it is.' },
  'upstream.signature_refused':   { status: 502, rpc: 502, says: 'The upstream could not prove that this is its answer.' },
  'upstream.malformed':           { status: 502, rpc: 502, says: 'The upstream sent an invalid answer.' },
  'upstream.too_large':           { status: 502, rpc: 502, says: 'The upstream sent too much.' },
  'upstream.result_invalid':      { status: 502, rpc: 502, says: 'The upstream result does not match its schema.' },
  'upstream.ended':               { status: 502, rpc: 502, says: 'The upstream ended before it answered.' },
  'upstream.not_connected':       { status: 403, rpc: 403, says: 'This upstream is not connected for you yet.' },
  'upstream.unsupported':         { status: 501, rpc: 501, says: 'The upstream cannot do this.' },

  // pages on which people connect an upstream
  'connect.invalid':              { status: 400, rpc: 400, says: 'This link is not valid any more.' },
  'connect.refused':              { status: 400, rpc: 400, says: 'The upstream was not connected.' },

  // the administration
  'administration.refused':       { status: 400, rpc: -32602, says: 'This names something that does not exist.' },
  'administration.conflict':      { status: 409, rpc: 409, says: 'This cannot be done as things are.' },
  'administration.changed':       { status: 412, rpc: 412, says: 'It has been changed meanwhile. Read it again, then decide.' },
  'administration.unconditional': { status: 428, rpc: 428, says: 'If-Match must name the revision that is to be changed.' },
  'administration.unanswered':    { status: 503, rpc: 503, says: 'No answer was found. Ask about less, or again later.' },
  'administration.no_store':      { status: 503, rpc: 503, says: 'The store does not answer now. Please retry later.' },
  'administration.unavailable':   { status: 501, rpc: 501, says: 'This gateway has nothing of that kind.' },

  // sandbox
  'sandbox.unavailable':          { status: 503, rpc: 503, says: 'The upstream cannot be run safely on this host.' },
  'sandbox.start_failed':         { status: 502, rpc: 502, says: 'The upstream could not be started.' },

  // audit
  'audit.unavailable':            { status: 503, rpc: 503, says: 'The gateway cannot record this call and therefore refuses it.' },
  'audit.witness_behind':         { status: 503, rpc: 503, says: 'The gateway cannot have its records witnessed in time and therefore refuses this call.' },
  'audit.export_behind':          { status: 503, rpc: 503, says: 'The gateway cannot pass on its records in time and therefore refuses this call.' },

  // keys that seal what lies at rest
  'keys.unavailable':             { status: 503, rpc: 503, says: 'What is sealed cannot be opened at the moment; please retry later.' },

  internal:                       { status: 500, rpc: -32603, says: 'Internal error.' },
} as const satisfies Record<string, { status: number; rpc: number; says: string }>

export type FaultCode = keyof typeof FAULTS

/** A page that a person has to visit (MCP elicitation, URL mode). The URL alone lets nobody in. */
export interface FaultLink {
  /** Of the elicitation, for the revisions that know one. */
  readonly id: string
  readonly url: string
  readonly message: string
  /** How this caller can take it: as a question of MRTR, as the error of 2025-11-25, or as words only. */
  readonly as: 'input' | 'error' | 'words'
  /** With which the request is to be repeated; for `input`. */
  readonly state?: string
}

export interface FaultOptions {
  readonly cause?: unknown
  /** A sentence for this one case. It must not repeat secrets, paths or anything that another principal wrote. */
  readonly says?: string
  /** Members of the JSON-RPC `error.data`, such as the `supported` versions. */
  readonly data?: Readonly<Record<string, unknown>>
  /** Something that the caller has to open before it tries again. */
  readonly link?: FaultLink
  /** Something that a person has to answer before the request can go on. */
  readonly question?: FaultQuestion
  /** HTTP headers of the answer, such as `WWW-Authenticate` and `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A question to the person behind the client, as an `input_required` result (MCP 2026-07-28 MRTR). */
export interface FaultQuestion {
  /** Name of the question among the `inputRequests`. */
  readonly key: string
  /** Of `elicitation/create`. */
  readonly params: Readonly<Record<string, unknown>>
  /** With which the request is to be repeated. */
  readonly state: string
}

/** A refusal. `detail` is for the audit record and never leaves the gateway. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode
  readonly detail: Readonly<Record<string, unknown>>
  readonly options: FaultOptions

  constructor(code: FaultCode, detail: Readonly<Record<string, unknown>> = {}, options: FaultOptions = {}) {
    super(code, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = detail
    this.options = options
  }

  /** What the caller may read. Failed sign-ins always say the same. */
  get says(): string {
    if (this.code.startsWith('identity.')) return FAULTS[this.code].says
    return this.options.says ?? FAULTS[this.code].says
  }
}

/** Anything that is not a Fault is our own mistake: the caller learns nothing from it. */
export function toFault(thrown: unknown): Fault {
  return thrown instanceof Fault ? thrown : new Fault('internal', {}, { cause: thrown })
}
