/** Remembers with which token a principal last called, for upstreams whose tokens are had in exchange for it. In memory only. */
import type { Clock } from '../core/clock.ts'
import type { Exchange } from '../core/exchange.ts'
import type { Authenticated } from '../core/principal.ts'
import { Secret } from '../core/secret.ts'
import type { Holder } from '../upstream/access/holder.ts'

const MAX_REMEMBERED = 10_000
/** A token that does not say when it ends is forgotten after this. */
const UNSAID_MS = 5 * 60_000

export class SubjectTokens {
  /** Nothing is remembered unless an upstream needs it. */
  wanted = false
  readonly #clock: Clock
  readonly #tokens = new Map<string, { readonly token: Secret; readonly endsAt: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Only bearer tokens: an API key is for nobody but us, and what is bound to the caller's key is of no use to another. */
  note({ principal, head }: Exchange & Authenticated): void {
    const { kind, bound, expiresAt } = principal.credential
    if (!this.wanted) return
    const key = keyOf({ tenant: principal.tenant, principal: principal.id })
    const [, token] = /^bearer +(\S+)$/i.exec(String(head.headers['authorization'] ?? '')) ?? []
    if (bound !== undefined || (kind !== 'jwt' && kind !== 'opaque') || token === undefined) {
      // Who calls with another credential now does not call with what an earlier token was worth.
      this.#tokens.delete(key)
      return
    }
    if (this.#tokens.size >= MAX_REMEMBERED) this.#tokens.clear()
    const endsAt = expiresAt ?? this.#clock.now() + UNSAID_MS
    this.#tokens.set(key, { token: new Secret(token), endsAt })
  }

  of(holder: Holder): Secret | undefined {
    const kept = this.#tokens.get(keyOf(holder))
    if (kept === undefined || kept.endsAt > this.#clock.now()) return kept?.token
    this.#tokens.delete(keyOf(holder))
    return undefined
  }
}

const keyOf = ({ tenant, principal }: Holder): string => JSON.stringify([tenant, principal ?? null])
