/** Remembers, for one request at the token endpoint, whom an identity assertion speaks for: nothing else knows these people. */

export interface AssertedHolder {
  /** Subject of the token: a local account, or a name that only an assertion gives. */
  readonly accountId: string
  readonly principal: string
  readonly tenant: string
  readonly roles: readonly string[]
  readonly amr?: readonly string[]
  /** Of the assertion, for the record. */
  readonly issuer: string
  readonly jti: string
}

const holders = new WeakMap<object, AssertedHolder>()

/** `context` is the request of the protocol library. */
export function assertHolder(context: object, holder: AssertedHolder): void {
  holders.set(context, holder)
}

/** The holder of a token of this very request; undefined when it does not stem from an assertion. */
export function assertedHolder(
  context: object,
  { accountId }: { readonly accountId?: string },
): AssertedHolder | undefined {
  const holder = holders.get(context)
  return holder?.accountId === accountId ? holder : undefined
}
