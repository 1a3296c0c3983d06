/** What is known of the signature of a request, once it has proved good. */

export interface SignedBy {
  /** `keyid` of the key that made it. */
  readonly keyId: string
  readonly algorithm: string
}

/** Fact of `signatures.verify`; absent when the request came without a signature that is meant for us. */
export interface MessageSigned {
  readonly signed?: SignedBy
}
