/** Counts what a process says against the protocol: what is told of it, and when it has been too much. */
import { performance } from 'node:perf_hooks'

/**
 * `stray-output`: text among the messages, as from a print. `broken-message`: not JSON, or no message of JSON-RPC.
 * `unasked-answer`: an answer to a question that was never asked.
 */
export type Violation = 'stray-output' | 'broken-message' | 'unasked-answer'

/** Hears of the first violation of each kind on a link, and of the end of a process for too many. Must not throw. */
export type OnViolation = (violation: Violation | 'too-many') => void

const WINDOW_MS = 60_000
/** In one window. Each costs a parse, and none of them is of use to anybody. Stray text costs next to nothing. */
const MAX_BROKEN = 500
/** In one window. A question is allowed, `ping` too, but each has to be answered. */
const MAX_QUESTIONS = 5_000

export class Offences {
  readonly #tell: OnViolation
  readonly #expel: () => void
  readonly #told = new Set<Violation>()
  #windowStart = 0
  #broken = 0
  #questions = 0

  /** `expel` is called once more violations came than one window allows. */
  constructor(tell: OnViolation = () => {}, expel: () => void) {
    this.#tell = tell
    this.#expel = expel
  }

  note(violation: Violation): void {
    if (!this.#told.has(violation)) {
      this.#told.add(violation)
      this.#tell(violation)
    }
    if (violation === 'stray-output') return
    this.#openWindow()
    if (++this.#broken === MAX_BROKEN) this.#end()
  }

  /** A question arrived; that is no violation unless they flood. */
  asked(): void {
    this.#openWindow()
    if (++this.#questions === MAX_QUESTIONS) this.#end()
  }

  #openWindow(): void {
    const now = performance.now()
    if (now - this.#windowStart <= WINDOW_MS) return
    this.#windowStart = now
    this.#broken = 0
    this.#questions = 0
  }

  #end(): void {
    this.#tell('too-many')
    this.#expel()
  }
}
