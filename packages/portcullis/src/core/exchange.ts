import type { Cancellation } from './cancellation.ts'

/** One HTTP request on its way through the gateway: what is known before any stage has run. */
export interface Exchange {
  /** The id that a caller is told when something is refused; it joins answer, log and audit record. */
  readonly incident: string
  /** Milliseconds since the Unix epoch. */
  readonly receivedAt: number
  readonly peer: Peer
  readonly head: RequestHead
  /** Surrounded by what has to be true of it before it is believed. */
  body: Body
  /** Where messages go that precede the answer. Filters on the way see each of them. */
  outlet: Outlet
  /** Cancels when the client leaves. Whether that ends the call depends on the era (MCP "Cancellation"). */
  readonly departure: Cancellation
}

export interface Peer {
  readonly address: string
  readonly encrypted: boolean
  /** The client certificate that TLS has verified; absent without one. It is never taken from a header. */
  readonly certificate?: PeerCertificate
  /** Why the certificate that the client presented is not believed; absent when it is, and when there is none. */
  readonly refused?: PeerRefusal
}

export interface PeerRefusal {
  /** A stable code. */
  readonly reason: string
  /** For the record. */
  readonly detail: Readonly<Record<string, unknown>>
  /** False for one that is merely as good as none, such as that of a stranger. */
  readonly isFinal: boolean
}

/** What of a verified client certificate decides who it is. */
export interface PeerCertificate {
  /** SHA-256 of its DER form in base64url: `x5t#S256` (RFC 8705 §3.1). */
  readonly thumbprint: string
  /** Distinguished name as text (RFC 4514, in the order of the certificate). */
  readonly subject: string
  /** URIs and DNS names of its subject alternative names. */
  readonly uris: readonly string[]
  readonly dnsNames: readonly string[]
  /** SHA-256, in base64url, of the DER form of the authority at the end of its chain. */
  readonly authority: string
  /** Milliseconds since the epoch after which it is worth nothing. */
  readonly expiresAt: number
}

export interface RequestHead {
  readonly method: string
  /** Path without the query, as sent: never decoded, so `%2e` cannot become a dot behind a check. */
  readonly path: string
  /** Query without `?`, or the empty string. */
  readonly query: string
  /** Lower-case names, as node:http gives them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Names, in lower case, that occur more than once; absent when none does. Their values in `headers` are joined. */
  readonly repeated?: readonly string[]
  /** How the head contradicts itself, as whoever read it has seen; absent when it does not. */
  readonly conflict?: string
  /**
   * The same object for heads of one connection that differ in `content-length` alone, so that what depends on nothing else
   * of them need not be found out again; absent where nobody has compared them.
   */
  readonly kin?: object
}

export interface Body {
  /** Reads all of it. Throws the fault `message.too_large` as soon as more than `maxBytes` are announced or arrive. */
  read(maxBytes: number): Promise<Buffer> | Buffer
}

/** A JSON-RPC message on its way to the client: an answer, a notification, or a server's own request. */
export type Outgoing = { readonly jsonrpc: '2.0' } & Readonly<Record<string, unknown>>

/** Takes the messages that precede the answer. The first one turns the HTTP response into a stream. */
export interface Outlet {
  /** Resolves when the client can take more; returns nothing when it can already. Throws nothing when the client has left. */
  send(message: Outgoing): Promise<void> | void
  /** Sets headers of whatever answer follows, refusals included. Absent once it is too late for that. */
  announce?(headers: Readonly<Record<string, string>>): void
  /** Has all that follows vouched for, refusals included. Absent once it is too late for that. */
  sealWith?(seal: Seal): void
  /** Opens the stream without a message, for streams that may stay silent for long. */
  open(): void
}

/** Vouches for what leaves. Neither function throws. */
export interface Seal {
  /** Headers that are added to a whole answer, whose body is this text. */
  headers(
    status: number,
    headers: Readonly<Record<string, string | number>>,
    body: string,
  ): Readonly<Record<string, string>>
  /** A message of a stream with what vouches for it; a promise for a bulky one. */
  message(message: Outgoing): Outgoing | Promise<Outgoing>
}

/** What the gateway answers. Without a message or a document it has an empty body. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly message?: Outgoing
  /** A JSON document that is no message, such as RFC 9728 metadata. */
  readonly document?: object
  /** Text of the type that `headers` says, such as a sign-in page. */
  readonly page?: string
  /** Values of Set-Cookie, one each. */
  readonly cookies?: readonly string[]
  /** Present when a stream has begun that may be silent for long: the real answer is what its end brings. */
  readonly lasting?: Lasting
}

/** A stream whose end nobody waits for with a promise (`core/lasting.ts`). */
export interface Lasting {
  /** Has `ending` told of the end, after those who were added before. */
  add(ending: Ending): void
}

/** Hears how an exchange has ended, and has a say in it, as whoever waits for a promise has. */
export interface Ending {
  answered(answer: Answer): Answer | Promise<Answer>
  /** Throws, or answers all the same. */
  failed(thrown: unknown): Answer | Promise<Answer>
}
