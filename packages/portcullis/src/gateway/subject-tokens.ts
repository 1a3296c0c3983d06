/** Decides which token of a caller is exchanged for a request to an upstream: that of the very call. In memory only. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../core/clock.ts'
import type { Exchange } from '../core/exchange.ts'
import type { Authenticated, Principal } from '../core/principal.ts'
import { Secret } from '../core/secret.ts'
import type { Holder } from '../upstream/access/holder.ts'
import type { Subject } from '../upstream/oauth/exchange.ts'

const MAX_REMEMBERED = 10_000
/** A token that does not say when it ends is forgotten after this. */
const UNSAID_MS = 5 * 60_000

/** On whose behalf something runs; without a subject when the caller has no token that could be exchanged. */
interface Call {
  readonly key: string
  readonly subject: Subject | undefined
}

export class SubjectTokens {
  /** Nothing is remembered unless an upstream needs it. */
  wanted = false
  readonly #clock: Clock
  readonly #isRevoked: (principal: Principal) => boolean
  readonly #calls = new AsyncLocalStorage<Call>()
  /** The last one of each principal: for what runs between its calls, such as a stream that is opened anew. */
  readonly #last = new Map<string, Subject>()

  /** `isRevoked` is asked for each request to an upstream, so that a revocation counts at once. */
  constructor(clock: Clock, isRevoked: (principal: Principal) => boolean) {
    this.#clock = clock
    this.#isRevoked = isRevoked
  }

  /**
   * Runs what a call causes. Two tokens of one person may come at once; each call is worth what its own token is, and what
   * it starts keeps to that.
   */
  within<T>(exchange: Exchange & Authenticated, work: () => T): T {
    const { tenant, id: principal } = exchange.principal
    const key = keyOf({ tenant, principal })
    const subject = this.#subjectOf(exchange)
    if (this.#last.size >= MAX_REMEMBERED) this.#last.clear()
    // Who calls with another credential now does not call with what an earlier token was worth.
    if (subject === undefined) this.#last.delete(key)
    else this.#last.set(key, subject)
    return this.#calls.run({ key, subject }, work)
  }

  /** Undefined when there is none that is good now. What outlasts the token of its call goes on with a later one of its caller. */
  of(holder: Holder): Subject | undefined {
    const key = keyOf(holder)
    const call = this.#calls.getStore()
    if (call?.key === key && call.subject === undefined) return undefined
    const own = call?.key === key ? call.subject : undefined
    const state = own?.state()
    if (state === 'revoked') return undefined
    if (state === 'good') return own
    const last = this.#last.get(key)
    if (last?.state() === 'good') return last
    this.#last.delete(key)
    return undefined
  }

  /** Only bearer tokens: an API key is for nobody but us, and what is bound to the caller's key is of no use to another. */
  #subjectOf({ principal, head }: Exchange & Authenticated): Subject | undefined {
    const { kind, bound, expiresAt } = principal.credential
    const [, text] = /^bearer +(\S+)$/i.exec(String(head.headers['authorization'] ?? '')) ?? []
    if (bound !== undefined || (kind !== 'jwt' && kind !== 'opaque') || text === undefined) return undefined
    const endsAt = expiresAt ?? this.#clock.now() + UNSAID_MS
    return {
      token: new Secret(text),
      state: () => (this.#isRevoked(principal) ? 'revoked' : endsAt > this.#clock.now() ? 'good' : 'over'),
    }
  }
}

const keyOf = ({ tenant, principal }: Holder): string => JSON.stringify([tenant, principal ?? null])
