/** Decides which nonces a proof may carry (RFC 9449 §8): they come from us, so a proof cannot be made for a later day. */
import { createHmac } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Secret } from '../../core/secret.ts'

export interface NonceParts {
  /** 32 random bytes. With a key that ends with the process, no proof of an earlier run is good in a later one. */
  readonly key: Secret<Uint8Array>
  readonly clock: Clock
  /** A nonce is the newest for this long, and good for as long again, so that nobody is caught by the change. */
  readonly rotateSeconds: number
}

/** `current` and `previous` are good; with `previous` the caller is handed the newer one. */
export type NonceVerdict = 'current' | 'previous' | 'refused'

/** Nonces are counted in windows of time and made from a key, so that nothing has to be kept for a caller. */
export class Nonces {
  readonly #parts: NonceParts
  #window = Number.NaN
  #current = ''
  #previous = ''

  constructor(parts: NonceParts) {
    this.#parts = parts
  }

  /** The newest nonce. It is no secret. */
  get current(): string {
    this.#advance()
    return this.#current
  }

  judge(nonce: string): NonceVerdict {
    this.#advance()
    if (nonce === this.#current) return 'current'
    return nonce === this.#previous ? 'previous' : 'refused'
  }

  #advance(): void {
    const { clock, rotateSeconds } = this.#parts
    const window = Math.floor(clock.now() / (rotateSeconds * 1000))
    if (window === this.#window) return
    this.#window = window
    this.#current = this.#of(window)
    this.#previous = this.#of(window - 1)
  }

  #of(window: number): string {
    return createHmac('sha256', this.#parts.key.reveal()).update(`${window}`).digest('base64url').slice(0, 22)
  }
}
