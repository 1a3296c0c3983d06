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

export class Cancellation {
  #reason: CancelReason | undefined
  #listeners: Array<(reason: CancelReason) => void> = []

  get cancelled(): boolean {
    return this.#reason !== undefined
  }

  get reason(): CancelReason | undefined {
    return this.#reason
  }

  /** Calls `listener` once, at once if the work is already cancelled. Returns a function that forgets it. */
  onCancel(listener: (reason: CancelReason) => void): () => void {
    if (this.#reason !== undefined) {
      listener(this.#reason)
      return () => {}
    }
    this.#listeners.push(listener)
    return () => {
      const at = this.#listeners.indexOf(listener)
      if (at >= 0) this.#listeners.splice(at, 1)
    }
  }

  cancel(reason: CancelReason): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener(reason)
  }
}
