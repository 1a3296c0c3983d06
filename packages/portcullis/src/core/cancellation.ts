/**
 * Says once that work is no longer wanted, and why.
 *
 * An AbortSignal would do, but costs an EventTarget for every request; this is an array that most requests never fill.
 */
export type CancelReason =
  | 'client-left'
  | 'client-cancelled'
  | 'deadline'
  | 'revoked'
  | 'blocked'
  | 'shutdown'
  | 'upstream-ended'

type Listener = (reason: CancelReason) => void

export class Cancellation {
  #reason: CancelReason | undefined
  /** One alone needs no array, which would have room for many. */
  #listeners: Listener | Listener[] | undefined

  get cancelled(): boolean {
    return this.#reason !== undefined
  }

  get reason(): CancelReason | undefined {
    return this.#reason
  }

  /** Calls `listener` once, at once if the work is already cancelled. Returns a function that forgets it. */
  onCancel(listener: Listener): () => void {
    if (this.#reason !== undefined) {
      listener(this.#reason)
      return () => {}
    }
    if (this.#listeners === undefined) this.#listeners = listener
    else if (typeof this.#listeners === 'function') this.#listeners = [this.#listeners, listener]
    else this.#listeners.push(listener)
    return () => this.#forget(listener)
  }

  cancel(reason: CancelReason): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    const listeners = this.#listeners
    this.#listeners = undefined
    if (typeof listeners === 'function') listeners(reason)
    else if (listeners !== undefined) for (const listener of listeners) listener(reason)
  }

  #forget(listener: Listener): void {
    if (this.#listeners === listener) this.#listeners = undefined
    if (!Array.isArray(this.#listeners)) return
    const at = this.#listeners.indexOf(listener)
    if (at >= 0) this.#listeners.splice(at, 1)
  }
}
