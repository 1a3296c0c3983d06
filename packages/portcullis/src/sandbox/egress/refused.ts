/** Why the egress refuses a connection or cuts it off: a fixed list, because audit records and their readers name them. */

export type Reason =
  /** What was asked for is no host name. */
  | 'host'
  | 'not-allowed'
  /** The name has no address, or its resolver gave no answer. */
  | 'unresolved'
  /** Every address of the name is one that must not be reached. */
  | 'address'
  /** Bytes that are neither TLS nor, where it is allowed, HTTP. */
  | 'not-tls'
  | 'no-sni'
  /** The server name of TLS is another than the one asked for. */
  | 'sni'
  /** The real server name is encrypted. */
  | 'ech'
  /** The Host header names another host than the one asked for. */
  | 'host-header'
  | 'method'
  | 'quota'
  | 'connections'
  /** A form of HTTP, SOCKS or DNS that is not served. */
  | 'protocol'
  | 'timeout'
  | 'idle'
  | 'unreachable'
  /** The certificate of the host does not prove its name. */
  | 'certificate'
  /** The client left before anything was decided. */
  | 'left'
  /** More names than there are addresses to stand for them. */
  | 'names'
  /** Refusals of this kind are not told one by one until the second has passed. */
  | 'many-more'
  | 'internal'

/** Ends one connection of the egress. It never reaches a caller of the gateway, so it is no Fault. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly reason: Reason

  constructor(reason: Reason, cause?: unknown) {
    super(reason, cause === undefined ? undefined : { cause })
    this.reason = reason
  }
}

/** Anything that is not a Refused is a mistake of ours, and refuses as well. */
export function reasonOf(thrown: unknown): Reason {
  return thrown instanceof Refused ? thrown.reason : 'internal'
}
